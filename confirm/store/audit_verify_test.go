package store_test

import (
	"errors"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// fillStore fills a ledger with six entries: 0 to 3 of a change that was applied, 4 and 5 of one that has a vote.
func fillStore(t testing.TB, s *store.Store) (applied, open confirm.Change) {
	t.Helper()
	applied = mustMove(t, s, insert(t, s), approval("ada"), claim("me"), finish(confirm.Applied))
	c := mustNewChange(t)
	c.Needed = 2
	must(t, s.Insert(t.Context(), c))
	open = mustMove(t, s, c, confirm.Move{To: confirm.Pending, At: noon, Decision: approveAs("bob")})
	return applied, open
}

// Each way to tamper with the ledger, and the entry that Verify names.
func TestVerifyFinds(t *testing.T) {
	for name, c := range map[string]struct {
		tamper func(t *testing.T, l testDatabase, applied, open confirm.Change)
		entry  int64
		why    string
	}{
		"edited line":        {sqlTamper(`UPDATE audit SET lines = replace(lines, 'ada', 'eve') WHERE n = 1`), 1, "do not agree"},
		"edited hash":        {sqlTamper(`UPDATE audit SET hashes = (SELECT hashes FROM audit WHERE n = 0) WHERE n = 2`), 2, "do not agree"},
		"missing first line": {sqlTamper(`DELETE FROM audit WHERE n = 0`), 0, "missing"},
		"missing line":       {sqlTamper(`DELETE FROM audit WHERE n = 3`), 3, "missing"},
		"missing last line":  {sqlTamper(`DELETE FROM audit WHERE n = 5`), 5, "the head counts 6"},
		"swapped lines": {sqlTamper(
			`UPDATE audit SET n = -1 WHERE n = 1`, `UPDATE audit SET n = 1 WHERE n = 2`, `UPDATE audit SET n = 2 WHERE n = -1`),
			1, "do not agree"},
		"line before the first": {sqlTamper(`INSERT INTO audit (n, lines, hashes, checkpoint) SELECT -1, lines, hashes, checkpoint FROM audit WHERE n = 0`), 0, "entry -1 is in its place"},
		"line beyond the head":  {sqlTamper(`INSERT INTO audit (n, lines, hashes, checkpoint) SELECT 6, lines, hashes, checkpoint FROM audit WHERE n = 0`), 6, "beyond the head"},
		"head set back":         {sqlTamper(`UPDATE audit_head SET n = 4`), 4, "beyond the head"},
		"head set forth":        {sqlTamper(`UPDATE audit_head SET n = 7`), 6, "the head counts 7"},
		"edge of the head":      {sqlTamper(`UPDATE audit_head SET edge = 'x'`), 6, "head was altered"},
		"checkpoint of another": {sqlTamper(`UPDATE audit SET checkpoint = (SELECT checkpoint FROM audit WHERE n = 4) WHERE n = 5`), 5, "another log"},
		"checkpoint not signed": {sqlTamper(`UPDATE audit SET checkpoint = replace(checkpoint, '— ', '— x') WHERE n = 2`), 2, "not signed"},
		"checkpoint erased":     {sqlTamper(`UPDATE audit SET checkpoint = '' WHERE n = 3`), 3, "not signed"},
		"log and head cut back": {truncateLog, 4, "nothing in the log"},
		"history rewritten":     {rewriteLog, 1, "another log"},

		"state":               {rowTamper(`state = 'approved'`), 5, `its state is "approved", and the log says "pending"`},
		"version":             {rowTamper(`version = 7`), 5, "version"},
		"round":               {rowTamper(`round = 2`), 5, "round"},
		"owner":               {rowTamper(`owner = 'you'`), 5, "owner"},
		"updated":             {rowTamper(`updated = updated + 1`), 5, "last moved"},
		"digest":              {rowTamper(`digest = 'sha256:00'`), 5, "proposal"},
		"operation":           {rowTamper(`operation = 'delete_scans'`), 5, "proposal"},
		"target":              {rowTamper(`target = 'tenant-b'`), 5, "proposal"},
		"what would be sent":  {proposalTamper(`proposed = replace(proposed, '10.0.0.0', '10.9.9.9')`), 5, "proposal"},
		"unreadable":          {proposalTamper(`proposed = '{'`), 5, "cannot be read"},
		"requester":           {rowTamper(`requester = 'slack:T1/EVE'`), 5, "its requester, its source or the terms"},
		"door":                {rowTamper(`via = 'MCP stdio'`), 5, "its requester, its source or the terms"},
		"local":               {proposalTamper(`proposed = replace(proposed, '"local":false', '"local":true')`), 5, "its requester, its source or the terms"},
		"facts added":         {proposalTamper(`proposed = replace(proposed, '"needed":2', '"needed":2,"facts":{"count":1,"addresses":0}')`), 5, "proposal"},
		"agent":               {proposalTamper(`proposed = replace(proposed, '"needed":2', '"needed":2,"agent":true')`), 5, "its requester, its source or the terms"},
		"channels":            {proposalTamper(`proposed = replace(proposed, '["slack",', '["client",')`), 5, "its requester, its source or the terms"},
		"needed":              {proposalTamper(`proposed = replace(proposed, '"needed":2', '"needed":1')`), 5, "its requester, its source or the terms"},
		"created":             {rowTamper(`created = created - 1`), 5, "its requester, its source or the terms"},
		"expires":             {rowTamper(`expires = expires + 1`), 5, "its requester, its source or the terms"},
		"outcome":             {rowTamper(`outcome = '{"state":"applied"}'`), 5, "outcome"},
		"decision altered":    {sqlTamper(`UPDATE decision SET decision = replace(decision, '"bob"', '"eve"') WHERE person = 'bob'`), 5, "decisions"},
		"decision unreadable": {sqlTamper(`UPDATE decision SET decision = '' WHERE person = 'bob'`), 5, "cannot be read"},
		"decision taken away": {sqlTamper(`DELETE FROM decision WHERE person = 'bob'`), 5, "decisions"},
		"decision added": {func(t *testing.T, l testDatabase, _, open confirm.Change) {
			l.alter(t, `INSERT INTO decision SELECT $1, 'eve', 9, decision FROM decision WHERE person = 'ada'`, open.ID)
		}, 5, "decisions"},
		"outcome of an ended one": {func(t *testing.T, l testDatabase, applied, _ confirm.Change) {
			l.alter(t, `UPDATE change SET outcome = replace(outcome, 'it was', 'was it') WHERE id = $1`, applied.ID)
		}, 3, "outcome"},
		"change taken away": {func(t *testing.T, l testDatabase, applied, _ confirm.Change) {
			l.alter(t, `DELETE FROM change WHERE id = $1`, applied.ID)
		}, 3, "no longer in the ledger"},
		"change smuggled in": {func(t *testing.T, l testDatabase, _, open confirm.Change) {
			l.alter(t, `INSERT INTO change SELECT 'smuggled', code, operation, target, digest, requester, via, created, expires,
				'approved', settled, version, round, outcome, owner, lease, updated FROM change WHERE id = $1`, open.ID)
		}, 6, "nothing in the log proposed it"},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDatabase(t, func(t *testing.T, l testDatabase) {
				s := l.openStore(t)
				applied, open := fillStore(t, s)
				if n := mustVerify(t, s).Entries; n != 6 {
					t.Fatalf("%d entries before anything was altered, want 6", n)
				}
				c.tamper(t, l, applied, open)
				_, err := s.Verify(t.Context())
				var bad *store.BadEntryError
				if !errors.As(err, &bad) || bad.Entry != c.entry || !strings.Contains(bad.Why, c.why) {
					t.Errorf("got %v, want entry %d because %q", err, c.entry, c.why)
				}
			})
		})
	}
}

func TestVerifyFindsTheHeadSetBackIntoATransaction(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		l.inOneTransaction(t, s, 6, func(_ int, c confirm.Change) {
			if _, err := s.Move(t.Context(), c, approval("ada")); err != nil {
				t.Error(err)
			}
		})
		l.alter(t, `UPDATE audit_head SET n = 9`)
		var bad *store.BadEntryError
		if _, err := s.Verify(t.Context()); !errors.As(err, &bad) || bad.Entry != 9 || !strings.Contains(bad.Why, "there are 12") {
			t.Errorf("got %v, want entry 9", err)
		}
	})
}

// Entries that share a transaction can be told apart.
func TestVerifyFindsInATransaction(t *testing.T) {
	for name, c := range map[string]struct {
		tamper func(lines, hashes []string) ([]string, []string)
		entry  int64
		why    string
	}{
		"edited line": {func(lines, hashes []string) ([]string, []string) {
			lines[2] = strings.Replace(lines[2], "ada", "eve", 1)
			return lines, hashes
		}, 9, "do not agree"},
		"edited hash": {func(lines, hashes []string) ([]string, []string) {
			hashes[1] = hashes[2]
			return lines, hashes
		}, 8, "do not agree"},
		"swapped": {func(lines, hashes []string) ([]string, []string) {
			lines[0], lines[1], hashes[0], hashes[1] = lines[1], lines[0], hashes[1], hashes[0]
			return lines, hashes
		}, 7, "do not agree"},
		"line taken away": {func(lines, hashes []string) ([]string, []string) {
			return lines[:len(lines)-1], hashes
		}, 11, "missing"},
		"line and hashes taken away": {func(lines, hashes []string) ([]string, []string) {
			return lines[:len(lines)-1], hashes[:len(hashes)-1]
		}, 7, "another log"},
		"hashes taken away": {func(lines, hashes []string) ([]string, []string) {
			return lines, hashes[:len(hashes)-1]
		}, 11, "do not agree"},
		"line added": {func(lines, hashes []string) ([]string, []string) {
			return append(lines, lines[0]), hashes
		}, 12, "do not agree"},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDatabase(t, func(t *testing.T, l testDatabase) {
				s := l.openStore(t)
				l.inOneTransaction(t, s, 6, func(_ int, c confirm.Change) {
					if _, err := s.Move(t.Context(), c, approval("ada")); err != nil {
						t.Error(err)
					}
				})
				mustVerify(t, s)
				var n int
				var lines, hashes string
				must(t, l.raw.QueryRow(`SELECT n, lines, hashes FROM audit ORDER BY n DESC LIMIT 1`).Scan(&n, &lines, &hashes))
				if n != 7 { // six proposals and the first approval go before it
					t.Fatalf("the transaction begins at entry %d", n)
				}
				a, b := c.tamper(strings.Split(lines, "\n"), strings.Split(hashes, "\n"))
				l.alter(t, `UPDATE audit SET lines = $1, hashes = $2 WHERE n = 7`, strings.Join(a, "\n"), strings.Join(b, "\n"))
				_, err := s.Verify(t.Context())
				var bad *store.BadEntryError
				if !errors.As(err, &bad) || bad.Entry != c.entry || !strings.Contains(bad.Why, c.why) {
					t.Errorf("got %v, want entry %d because %q", err, c.entry, c.why)
				}
			})
		})
	}
}

// No process signs a log that was altered. There are two limits. A process that starts now cannot know that the log was
// truncated to an earlier signed head. A process that knows the head does not check its signature again.
func TestAlteredLogIsNotContinued(t *testing.T) {
	for name, c := range map[string]struct {
		tamper           func(t *testing.T, l testDatabase, applied, open confirm.Change)
		known, beginning bool // whether a process refuses that knew the log, and one that starts now
	}{
		"rewritten": {rewriteLog, true, true},
		"edge":      {sqlTamper(`UPDATE audit_head SET edge = 'x'`), true, true},
		"unsigned":  {sqlTamper(`UPDATE audit SET checkpoint = ''`), false, true},
		"cut back":  {truncateLog, true, false},
		"emptied":   {sqlTamper(`DELETE FROM audit`, `UPDATE audit_head SET n = 0, edge = ''`), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDatabase(t, func(t *testing.T, l testDatabase) {
				s := l.openStore(t)
				applied, open := fillStore(t, s)
				c.tamper(t, l, applied, open)
				before := len(logLines(t, l))
				if c.beginning {
					if err := l.openStore(t).Insert(t.Context(), mustNewChange(t)); err == nil {
						t.Error("a process that starts now went on with it")
					}
				}
				if err := s.Insert(t.Context(), mustNewChange(t)); (err != nil) != c.known {
					t.Errorf("a process that knew the log got %v", err)
				}
				if grew := len(logLines(t, l)) > before; grew == c.known {
					t.Errorf("grown: %v", grew)
				}
			})
		})
	}
}

// Verify reads one state of the ledger, whatever is written meanwhile.
func TestVerifyWhileOthersWrite(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := runLifecycle(t.Context(), s, func(confirm.Change) {}); err != nil {
					t.Error(err)
					return
				}
			}
		}()
		for before := int64(0); before < 100; {
			head := mustVerify(t, s)
			if head.Entries < before {
				t.Errorf("the log went from %d to %d entries", before, head.Entries)
			}
			before = head.Entries
		}
		close(stop)
		<-stopped
	})
}

// Servers that share a ledger but not the key must not sign alternately: the log would look altered for ever.
func TestAnotherKeyIsRefused(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := insert(t, s)
		foreign := newSQLiteDatabase(t) // with a key of its own
		foreign.openStore(t)
		l.KeyDir = foreign.KeyDir
		other := l.openStore(t)
		if _, err := other.Move(t.Context(), c, approval("ada")); err == nil || !strings.Contains(err.Error(), "audit.key") {
			t.Errorf("got %v, want a sentence about audit.key", err)
		}
		var bad *store.BadEntryError
		if _, err := other.Verify(t.Context()); !errors.As(err, &bad) || bad.Entry != 0 {
			t.Errorf("verify with another key: %v", err)
		}
		mustVerify(t, s)
	})
}
