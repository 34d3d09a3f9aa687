package store_test

import (
	"testing"
	"time"
)

// The end of a session is known to every process on the ledger, and forgotten once the session would have ended anyway.
func TestEndSession(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		one, other := l.openStore(t), l.openStore(t)
		for range 2 { // a second sign-out of the same session is none
			must(t, one.EndSession(t.Context(), "first", noon, noon.Add(time.Hour)))
		}
		for id, want := range map[string]bool{"first": true, "second": false} {
			if ended, err := other.HasSessionEnded(t.Context(), id); err != nil || ended != want {
				t.Errorf("%s: ended is %v, %v; want %v", id, ended, err, want)
			}
		}
		must(t, other.EndSession(t.Context(), "second", noon.Add(time.Hour), noon.Add(2*time.Hour)))
		var kept string
		must(t, l.raw.QueryRow(`SELECT id FROM ended_session`).Scan(&kept))
		if kept == "second" || len(kept) != 64 {
			t.Errorf("the ledger keeps %q", kept)
		}
		if ended, err := one.HasSessionEnded(t.Context(), "first"); err != nil || ended {
			t.Errorf("a session is kept beyond its end: %v, %v", ended, err)
		}
	})
}
