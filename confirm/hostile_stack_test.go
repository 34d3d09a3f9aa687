package confirm_test

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// hostile is a stack whose database somebody writes to who has neither the server key nor the audit key.
type hostile struct {
	*stack
	raw   *sql.DB
	where store.Config
}

// forEachLedger runs test on an empty SQLite and an empty PostgreSQL database.
func forEachLedger(t *testing.T, policy confirm.Policy, test func(*testing.T, *hostile)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "ledger.db")
		h := &hostile{where: store.Config{URL: "sqlite:" + file, KeyDir: t.TempDir()}}
		h.stack = newStackOn(t, policy, h.where)
		h.raw = openRaw(t, "sqlite", file+"?_pragma=busy_timeout(10000)")
		test(t, h)
	})
	server := os.Getenv("SCANWARDEN_TEST_POSTGRES")
	switch {
	case server != "":
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			address := newSchema(t, server)
			h := &hostile{where: store.Config{URL: address, KeyDir: t.TempDir()}}
			h.stack = newStackOn(t, policy, h.where)
			h.raw = openRaw(t, "pgx", address)
			test(t, h)
		})
	case os.Getenv("CI") == "true":
		t.Error("SCANWARDEN_TEST_POSTGRES is not set: set it to the URL that .ci/postgres.sh prints")
	}
}

func openRaw(t *testing.T, driver, address string) *sql.DB {
	t.Helper()
	raw, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

// newSchema returns the URL of an empty schema, which is dropped when the test ends.
func newSchema(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	schema, q := "test_"+strings.ToLower(rand.Text()), u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	raw := openRaw(t, "pgx", u.String())
	if _, err := raw.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Exec("DROP SCHEMA " + schema + " CASCADE") })
	return u.String()
}

// write alters the database. Each statement must alter a row.
func (h *hostile) write(t *testing.T, statement string, args ...any) {
	t.Helper()
	r, err := h.raw.Exec(statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, _ := r.RowsAffected(); n == 0 {
		t.Fatalf("nothing was altered by %s", statement)
	}
}

// setState makes the row of a change look as if it was just approved and not yet claimed.
func (h *hostile) setState(t *testing.T, id string, state confirm.State, version int) {
	t.Helper()
	h.write(t, `UPDATE change SET state = $1, settled = 0, version = $2, outcome = '', owner = '', lease = 0 WHERE id = $3`,
		string(state), version, id)
}

// forge adds a decision as the store encodes it, with this MAC.
func (h *hostile) forge(t *testing.T, id string, by confirm.Principal, mac string) {
	t.Helper()
	h.write(t, `INSERT INTO decision (change_id, person, version, decision) VALUES ($1, $2, 1, $3)`, id, string(by),
		`{"person":"`+string(by)+`","principal":"`+string(by)+`","approve":true,"channel":"slack","at":"2026-11-21T09:00:00Z","mac":"`+mac+`"}`)
}

// apply takes a change through its life.
func (h *hostile) apply(t *testing.T, c confirm.Change) {
	t.Helper()
	runs := h.runs.Load()
	if _, err := h.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	h.waitFor(t, c.ID, confirm.Applied, runs+1)
}

// restart replaces the gate and the store by new ones, as after a start of the server.
func (h *hostile) restart(t *testing.T) {
	t.Helper()
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Open(t.Context(), h.where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ledger.Close() })
	h.cfg.Store = ledger
	h.Gate = confirm.New(h.cfg)
}

// recoverOnce lets a complete round of recovery see everything that is approved: a change of its own, the last in the
// round, is applied by it.
func (h *hostile) recoverOnce(t *testing.T) {
	t.Helper()
	h.advance(10 * time.Second)
	runs := h.runs.Load()
	if err := confirm.RecoverOnce(t.Context(), h.Gate); err != nil {
		t.Log(err)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sent := h.runs.Load() - runs; sent != 0 {
		t.Errorf("recovery sent %d changes", sent)
	}
}

// wantReported checks that a gate reported a record of this kind, or of any if it is "", and that doctor or audit verify show the ledger as
// altered.
func (h *hostile) wantReported(t *testing.T, kind string) {
	t.Helper()
	h.mu.Lock()
	seen := h.tampered
	h.mu.Unlock()
	var found bool
	for _, one := range seen {
		found = found || one.Kind == kind || kind == ""
	}
	if !found {
		t.Errorf("no %s was reported, only %+v", kind, seen)
	}
	inspected, err := confirm.Inspect(t.Context(), h.cfg.Store, h.cfg.Key)
	if _, verify := h.store.Verify(t.Context()); len(inspected) == 0 && err == nil && verify == nil {
		t.Error("neither Inspect nor Verify found anything")
	}
}
