package doctor

import (
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm/store"
)

// TestServerSettingsAreJudged changes one setting of a good server at a time.
func TestServerSettingsAreJudged(t *testing.T) {
	good := store.ServerSettings{Version: 150004, Fsync: true, FullPageWrites: true, SynchronousCommit: "on", StandbyNames: "*"}
	for name, tt := range map[string]struct {
		change func(*store.ServerSettings)
		status string
		words  string
	}{
		"fsync":              {func(s *store.ServerSettings) { s.Fsync = false }, config.StatusProblem, "fsync = off"},
		"full page writes":   {func(s *store.ServerSettings) { s.FullPageWrites = false }, config.StatusProblem, "full_page_writes = off"},
		"standby":            {func(s *store.ServerSettings) { s.Standby = true }, config.StatusProblem, "is a standby"},
		"version":            {func(s *store.ServerSettings) { s.Version = 110022 }, config.StatusProblem, "PostgreSQL 11 is too old"},
		"synchronous commit": {func(s *store.ServerSettings) { s.SynchronousCommit = "off" }, config.StatusNote, "the connections of scanwarden use on"},
		"no standby":         {func(s *store.ServerSettings) { s.StandbyNames = "" }, config.StatusNote, "failover"},
	} {
		s := good
		tt.change(&s)
		found := checkServerSettings(&s)
		if len(found) != 1 || found[0].Status != tt.status || !strings.Contains(found[0].Says, tt.words) {
			t.Errorf("%s: %+v", name, found)
		}
	}
	if found := checkServerSettings(&good); len(found) > 0 {
		t.Errorf("a good server: %+v", found)
	}
	if found := checkServerSettings(nil); len(found) > 0 {
		t.Errorf("SQLite: %+v", found)
	}
}
