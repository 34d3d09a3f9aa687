package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"

	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// newHostileRole returns the database with a role of its own, whose sessions have the given settings by default.
func (l testDatabase) newHostileRole(t testing.TB, settings map[string]string) testDatabase {
	t.Helper()
	role := "role_" + strings.ToLower(rand.Text())
	u, err := url.Parse(l.URL)
	must(t, err)
	schema := u.Query().Get("search_path")
	for _, query := range []string{"CREATE ROLE " + role + " LOGIN", "GRANT ALL ON SCHEMA " + schema + " TO " + role} {
		_, err := l.raw.Exec(query)
		must(t, err)
	}
	for name, value := range settings {
		_, err := l.raw.Exec("ALTER ROLE " + role + " SET " + name + " = '" + value + "'")
		must(t, err)
	}
	t.Cleanup(func() {
		l.raw.Exec("DROP OWNED BY " + role + " CASCADE")
		l.raw.Exec("DROP ROLE " + role)
	})
	u.User = url.User(role)
	l.URL = u.String()
	return l
}

// postgresOnly runs test on an empty PostgreSQL database.
func postgresOnly(t *testing.T, test func(t *testing.T, l testDatabase)) {
	t.Helper()
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		if strings.HasPrefix(l.URL, "postgres") {
			test(t, l)
		}
	})
}

// A role whose defaults are neither durable nor read committed gets the same ledger as any other. Without settings of
// our own, proposals fail with a serialization failure and a commit is acknowledged before it is on disk.
func TestRoleDefaultsDoNotMatter(t *testing.T) {
	postgresOnly(t, func(t *testing.T, l testDatabase) {
		l = l.newHostileRole(t, map[string]string{
			"default_transaction_isolation": "serializable", "synchronous_commit": "off", "statement_timeout": "0", "lock_timeout": "0",
		})
		stores := []*store.Store{l.openStore(t), l.openStore(t), l.openStore(t)}
		inParallel(30, func(i int) {
			if err := runLifecycle(t.Context(), stores[i%len(stores)], func(confirm.Change) {}); err != nil {
				t.Error(err)
			}
		})
		mustVerify(t, stores[0])
		for name, want := range map[string]string{
			"synchronous_commit": "on", "default_transaction_isolation": "read committed", "transaction_isolation": "read committed",
			"statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "1min",
		} {
			got, err := stores[0].Show(t.Context(), name)
			must(t, err)
			if got != want {
				t.Errorf("%s is %q on our connections, want %q", name, got, want)
			}
		}
	})
}

// A server that waits for its standby to apply each commit keeps doing so. The other levels are weaker than "on".
func TestSynchronousCommitIsNeverLowered(t *testing.T) {
	postgresOnly(t, func(t *testing.T, l testDatabase) {
		for server, want := range map[string]string{"remote_apply": "remote_apply", "remote_write": "on", "local": "on"} {
			s := l.newHostileRole(t, map[string]string{"synchronous_commit": server}).openStoreUnchecked(t)
			if got, err := s.Show(t.Context(), "synchronous_commit"); err != nil || got != want {
				t.Errorf("where the server has %s, ours is %q, %v, want %s", server, got, err, want)
			}
		}
	})
}

// openStoreUnchecked returns a connected Store whose role may lack the rights on tables that another role has made.
func (l testDatabase) openStoreUnchecked(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Connect(l.URL)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// PostgreSQL aborts our transaction to end a deadlock. Nothing of it was committed, so it is run again.
func TestDeadlockIsRetried(t *testing.T) {
	postgresOnly(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := insert(t, s)
		other, err := l.raw.BeginTx(t.Context(), nil)
		must(t, err)
		defer other.Rollback()
		_, err = other.Exec(`SET LOCAL deadlock_timeout = '1min'`) // so that our connection finds the deadlock, after a second
		must(t, err)
		_, err = other.Exec(`UPDATE change SET lease = lease WHERE id = $1`, c.ID)
		must(t, err)
		moved := make(chan error, 1)
		go func() {
			_, err := s.Move(t.Context(), c, approval("ada"))
			moved <- err
		}()
		l.awaitBlocked(t, 1)
		_, err = other.Exec(`UPDATE audit_head SET n = n`) // the deadlock
		must(t, err)
		must(t, other.Rollback())
		must(t, <-moved)
		if got := mustRead(t, s, c.ID); got.State != confirm.Approved || len(got.Decisions) != 1 {
			t.Errorf("it is %s with %d decisions", got.State, len(got.Decisions))
		}
		mustVerify(t, s)
	})
}

// awaitBlocked waits until n sessions of this schema wait for a lock.
func (l testDatabase) awaitBlocked(t testing.TB, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		var blocked int
		must(t, l.raw.QueryRow(`SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_locks h ON h.pid = l.pid
			JOIN pg_class c ON c.oid = h.relation WHERE NOT l.granted AND c.relnamespace = current_schema()::regnamespace`).Scan(&blocked))
		if blocked >= n {
			return
		}
	}
	t.Fatal("no session waits for a lock")
}

// storeCalls calls each method of Store that asks the database.
func storeCalls(s *store.Store, c confirm.Change) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"AcquireLease": func(ctx context.Context) error {
			_, err := s.AcquireLease(ctx, "recovery", "me", noon, noon.Add(time.Minute))
			return err
		},
		"ChangeIDs":  func(ctx context.Context) error { _, err := s.ChangeIDs(ctx); return err },
		"ChangeLog":  func(ctx context.Context) error { _, err := s.ChangeLog(ctx, c.ID); return err },
		"Checkpoint": func(ctx context.Context) error { _, err := s.Checkpoint(ctx); return err },
		"Receipt":    func(ctx context.Context) error { _, err := s.Receipt(ctx, c.ID); return err },
		"ChangesBefore": func(ctx context.Context) error {
			_, err := s.ChangesBefore(ctx, confirm.Filter{}, confirm.Cursor{})
			return err
		},
		"Change":   func(ctx context.Context) error { _, err := s.Change(ctx, c.ID); return err },
		"Changes":  func(ctx context.Context) error { _, err := s.Changes(ctx, confirm.Filter{}); return err },
		"CheckKey": s.CheckKey, "CheckHead": s.CheckHead, "CheckClaims": s.CheckClaims,
		"EndSession":      func(ctx context.Context) error { return s.EndSession(ctx, "session", noon, later) },
		"HasSessionEnded": func(ctx context.Context) error { _, err := s.HasSessionEnded(ctx, "session"); return err },
		"Export":          func(ctx context.Context) error { return s.Export(ctx, new(strings.Builder), store.ExportOptions{}) },
		"Insert":          func(ctx context.Context) error { return s.Insert(ctx, c) },
		"Link": func(ctx context.Context) error {
			return s.Link(ctx, confirm.Link{From: "slack:T/U", To: "entra:T/O", How: "proof", At: noon})
		},
		"Heads": func(ctx context.Context) error {
			_, _, err := s.Heads(ctx, confirm.Filter{}, confirm.Cursor{})
			return err
		},
		"Links":            func(ctx context.Context) error { _, err := s.Links(ctx); return err },
		"LinkSet":          func(ctx context.Context) error { _, _, err := s.LinkSet(ctx); return err },
		"Messages":         func(ctx context.Context) error { _, err := s.Messages(ctx, c.ID); return err },
		"Move":             func(ctx context.Context) error { _, err := s.Move(ctx, c, approval("ada")); return err },
		"OutdatedMessages": func(ctx context.Context) error { _, err := s.OutdatedMessages(ctx, confirm.Message{}, 10); return err },
		"Ping":             s.Ping,
		"RateLimiter":      func(ctx context.Context) error { return s.RateLimiter(store.Limits{}, nil).Wait(ctx, confirmedWrite) },
		"PauseUntil":       func(ctx context.Context) error { return s.RateLimiter(store.Limits{}, nil).PauseUntil(ctx, noon) },
		"RemoveEnded":      func(ctx context.Context) error { _, err := s.RemoveEnded(ctx, endedBefore(later)); return err },
		"RenewLease":       func(ctx context.Context) error { return s.RenewLease(ctx, c.ID, "me", noon) },
		"SaveMessage": func(ctx context.Context) error {
			return s.SaveMessage(ctx, confirm.Message{Change: c.ID, Channel: "slack", Kind: "question"})
		},
		"Unlink": func(ctx context.Context) error { return s.Unlink(ctx, "slack:T/U", noon, "test") },
		"Verify": func(ctx context.Context) error { _, err := s.Verify(ctx); return err },
	}
}

// What PostgreSQL answers is put into words: its codes mean nothing to a person.
func TestNoSQLStateReachesAPerson(t *testing.T) {
	postgresOnly(t, func(t *testing.T, l testDatabase) {
		l.openStore(t) // makes the tables, which belong to another role
		limited := l.newHostileRole(t, nil)
		s := limited.openStoreUnchecked(t)
		calls := storeCalls(s, mustNewChange(t))
		methods := reflect.TypeOf(s)
		// These tell nothing of an error of the server, or are there for tests. CheckSince needs the key before the server,
		// which a store without rights has not read.
		exempt := []string{"CheckSince", "FailNextCommit", "PublicKey", "SetPatience", "Close", "RecordHead", "ServerSettings", "Show", "Size", "SetSession", "CommitAfterFailure", "Waiting", "Writing"}
		for i := range methods.NumMethod() {
			if name := methods.Method(i).Name; calls[name] == nil && !slices.Contains(exempt, name) {
				t.Errorf("method %s is not tried", name)
			}
		}
		for name, call := range calls {
			err := call(t.Context())
			switch {
			case err == nil:
				t.Errorf("%s succeeded without the right to", name)
			case strings.Contains(err.Error(), "SQLSTATE") || strings.Contains(err.Error(), "ERROR:"):
				t.Errorf("%s: %v", name, err)
			case !strings.Contains(err.Error(), "grant") && !strings.Contains(err.Error(), "tables are missing"):
				t.Errorf("%s does not tell what to do: %v", name, err)
			}
		}
		if _, err := store.Open(t.Context(), limited.Config); err == nil || strings.Contains(err.Error(), "SQLSTATE") || strings.Contains(err.Error(), "ERROR:") {
			t.Errorf("open: %v", err)
		}
	})
}

// A session that holds the log's lock, or a server that only reads, is named as such.
func TestBusyAndReadOnlyServersAreNamed(t *testing.T) {
	postgresOnly(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := insert(t, s)
		tx, err := l.raw.BeginTx(t.Context(), &sql.TxOptions{})
		must(t, err)
		defer tx.Rollback()
		_, err = tx.Exec(`SELECT * FROM audit_head FOR UPDATE`)
		must(t, err)
		s.SetSession("lock_timeout", "20ms")
		if _, err := s.Move(t.Context(), c, approval("ada")); err == nil || !strings.Contains(err.Error(), "locked") || strings.Contains(err.Error(), "SQLSTATE") {
			t.Errorf("locked: %v", err)
		}
		must(t, tx.Rollback())
		l.URL += "&default_transaction_read_only=on"
		reader := l.openStore(t)
		mustVerify(t, reader)
		if err := reader.Insert(t.Context(), mustNewChange(t)); err == nil || !strings.Contains(err.Error(), "read-only") || !strings.Contains(err.Error(), "SCANWARDEN_DATABASE_URL") {
			t.Errorf("read-only: %v", err)
		}
	})
}

// The doctor sees what the server, database or role has by default, not what our connections use.
func TestServerSettings(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		if strings.HasPrefix(l.URL, "sqlite") {
			if got, err := l.openStore(t).ServerSettings(t.Context()); got != nil || err != nil {
				t.Errorf("SQLite: %+v, %v", got, err)
			}
			return
		}
		s := l.newHostileRole(t, map[string]string{"synchronous_commit": "off"}).openStoreUnchecked(t)
		got, err := s.ServerSettings(t.Context())
		must(t, err)
		if got.SynchronousCommit != "off" || got.Version < 120000 || !got.Fsync || !got.FullPageWrites || got.Standby || got.StandbyNames != "" {
			t.Errorf("got %+v", got)
		}
	})
}
