package store_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
)

func TestInsertedChangeComesBack(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		bare := mustNewChange(t)
		bare.Proposal = confirm.Proposal{Operation: "delete_scans", Target: "t", Request: confirm.Request{Method: "POST"}}
		bare.Warnings, bare.Channels, bare.Local = []string{}, nil, true
		bare.Digest, _ = bare.Proposal.Digest()
		agents := mustNewChange(t)
		agents.RequesterAlso = []confirm.Principal{"slack:T1/UADA", "token:ada"}
		agents.Agent, agents.Facts = true, confirm.Facts{
			Scans: []string{"core <switches>"}, Count: 1, Addresses: 256, PublicAddresses: 2, Hostnames: 3,
			Scanners: []string{"one"}, InactiveScanner: true, Credential: "core-snmp", ReplacesSecret: true,
		}
		agents.Digest, _ = agents.Proposal.Digest()
		for _, c := range []confirm.Change{mustNewChange(t), bare, agents} {
			must(t, s.Insert(t.Context(), c))
			got := mustRead(t, l.openStore(t), c.ID) // another process reads it
			if diff := cmp.Diff(c, got); diff != "" {
				t.Errorf("the change that came back differs (-kept +read):\n%s", diff)
			}
			if digest, err := got.Proposal.Digest(); err != nil || digest != c.Digest {
				t.Errorf("it came back with digest %s (%v), want %s", digest, err, c.Digest)
			}
		}
	})
}

func TestInsertRefuses(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		kept := insert(t, s)
		for name, alter := range map[string]func(*confirm.Change){
			"no id":                  func(c *confirm.Change) { c.ID = "" },
			"not pending":            func(c *confirm.Change) { c.State = confirm.Approved },
			"decided already":        func(c *confirm.Change) { c.Decisions = []confirm.Decision{*approveAs("ada")} },
			"ended already":          func(c *confirm.Change) { c.Outcome = *outcomeOf(confirm.Failed) },
			"owned already":          func(c *confirm.Change) { c.Owner = "me" },
			"another's digest":       func(c *confirm.Change) { c.Summary += " and more" },
			"text that is not UTF-8": func(c *confirm.Change) { c.Summary = "\xff"; c.Digest, _ = c.Proposal.Digest() },
			"body that is not UTF-8": func(c *confirm.Change) { c.Request.Body = []byte("\"\xff\""); c.Digest, _ = c.Proposal.Digest() },
			"another's facts":        func(c *confirm.Change) { c.Facts.Count = 7 },
			"too large": func(c *confirm.Change) {
				c.Snapshot = json.RawMessage(`"` + strings.Repeat("x", 5<<20) + `"`)
				c.Digest, _ = c.Proposal.Digest()
			},
			"taken id": func(c *confirm.Change) { c.ID = kept.ID },
		} {
			c := mustNewChange(t)
			alter(&c)
			err := s.Insert(t.Context(), c)
			if err == nil || errors.Is(err, confirm.ErrMoved) != (name == "taken id") {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if all, err := s.Changes(t.Context(), confirm.Filter{}); err != nil || len(all) != 1 {
			t.Errorf("%d changes were kept (%v), want the first one only", len(all), err)
		}
		if head := mustVerify(t, s); head.Entries != 1 {
			t.Errorf("the log has %d entries, want 1", head.Entries)
		}
	})
}

func TestChangeNotFound(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		if _, err := l.openStore(t).Change(t.Context(), "nobody"); !errors.Is(err, confirm.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestChangesFilters(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		var ids []string
		for i := range 105 {
			c := mustNewChange(t)
			c.Created = noon.Add(time.Duration(i) * time.Microsecond)
			if i == 3 || i == 5 {
				c.Requester = "slack:T1/U2"
			}
			if i == 5 {
				c.Target = "tenant-b"
				c.Digest, _ = c.Proposal.Digest()
			}
			must(t, s.Insert(t.Context(), c))
			ids = append(ids, c.ID)
			if i == 4 {
				mustMove(t, s, c, confirm.Move{To: confirm.Pending, At: noon, Decision: approveAs("ada")}, approval("bob"))
			}
		}
		newest := slices.Clone(ids)
		slices.Reverse(newest)
		for name, want := range map[string]struct {
			filter confirm.Filter
			ids    []string
		}{
			"all, a hundred at most": {confirm.Filter{}, newest[:100]},
			"limit":                  {confirm.Filter{Limit: 104}, newest[:104]},
			"requester":              {confirm.Filter{Requester: "slack:T1/U2"}, []string{ids[5], ids[3]}},
			"target":                 {confirm.Filter{Target: "tenant-b"}, []string{ids[5]}},
			"state":                  {confirm.Filter{States: []confirm.State{confirm.Approved}}, []string{ids[4]}},
			"states and requester": {confirm.Filter{
				States: []confirm.State{confirm.Approved, confirm.Pending}, Requester: "slack:T1/U2", Limit: 1,
			}, []string{ids[5]}},
			"nothing": {confirm.Filter{States: []confirm.State{confirm.Denied}, Target: "tenant-a"}, nil},
		} {
			found, err := s.Changes(t.Context(), want.filter)
			must(t, err)
			var got []string
			for _, c := range found {
				got = append(got, c.ID)
				if diff := cmp.Diff(mustRead(t, s, c.ID), c); diff != "" {
					t.Errorf("%s: the list shows another change (-read +listed):\n%s", name, diff)
				}
			}
			if !slices.Equal(got, want.ids) {
				t.Errorf("%s: got %v, want %v", name, got, want.ids)
			}
		}
	})
}

// A change that cannot be decoded completely is never shown or sent.
func TestUnreadableChangeIsAnError(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		for _, damage := range []string{
			`UPDATE proposal SET proposed = '{' WHERE change_id = $1`,
			`DELETE FROM proposal WHERE change_id = $1`,
			`UPDATE change SET outcome = '{' WHERE id = $1`,
			`UPDATE change SET settled = 1 WHERE id = $1`,
			`UPDATE decision SET decision = '{' WHERE change_id = $1`,
		} {
			c := mustMove(t, s, insert(t, s), approval("ada"))
			l.alter(t, damage, c.ID)
			if _, err := s.Change(t.Context(), c.ID); err == nil || !strings.Contains(err.Error(), "audit verify") {
				t.Errorf("%s: got %v, want an error that says what to run", damage, err)
			}
		}
	})
}

// FuzzInsert checks that every change that Insert accepts reads back with its digest.
func FuzzInsert(f *testing.F) {
	l := newSQLiteDatabase(f)
	s := l.openStore(f)
	f.Add("summary", []byte(`{"a": 1}`), []byte(" []\n"), "title", "warning")
	f.Add("<&>\u2028", []byte(nil), []byte("\x00"), "\xff", "")
	f.Fuzz(func(t *testing.T, summary string, body, snapshot []byte, title, warning string) {
		c := mustNewChange(t)
		c.Proposal = confirm.Proposal{
			Operation: "add_scan", Target: "t", Summary: summary, Request: confirm.Request{Method: "POST", Body: body},
			Subjects: []confirm.Subject{{Title: title}}, Warnings: []string{warning}, Snapshot: snapshot,
			Facts: confirm.Facts{Scans: []string{title}, Count: len(title)},
		}
		digest, err := c.Proposal.Digest()
		must(t, err)
		c.Digest = digest
		if s.Insert(t.Context(), c) != nil {
			return
		}
		if digest, err := mustRead(t, s, c.ID).Proposal.Digest(); err != nil || digest != c.Digest {
			t.Errorf("came back with %s (%v), want %s", digest, err, c.Digest)
		}
	})
}
