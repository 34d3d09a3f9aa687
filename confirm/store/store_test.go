package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	_ "modernc.org/sqlite"

	_ "github.com/jackc/pgx/v5/stdlib"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("SCANWARDEN_TEST_ROLE"); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

// ledger is a place for one, of which a test can open several Stores, as several processes would.
type ledger struct {
	store.Config
	raw *sql.DB // what somebody sees who comes in behind the store's back
}

// each runs test on an empty ledger of each kind.
func each(t *testing.T, test func(t *testing.T, l ledger)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteLedger(t)) })
	server := os.Getenv("SCANWARDEN_TEST_POSTGRES")
	switch {
	case server != "":
		t.Run("postgres", func(t *testing.T) { test(t, postgresLedger(t, server)) })
	case os.Getenv("CI") == "true":
		t.Error("SCANWARDEN_TEST_POSTGRES is not set: set it to the URL that .ci/postgres.sh prints")
	default:
		t.Log("PostgreSQL was left out; run with SCANWARDEN_TEST_POSTGRES=$(.ci/postgres.sh)")
	}
}

func sqliteLedger(t testing.TB) ledger {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	raw, err := sql.Open("sqlite", path+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	must(t, err)
	raw.SetMaxOpenConns(1)
	t.Cleanup(func() { raw.Close() })
	return ledger{store.Config{URL: "sqlite:" + path, KeyDir: t.TempDir()}, raw}
}

// postgresLedger makes a schema of its own, which goes when the test ends.
func postgresLedger(t testing.TB, server string) ledger {
	t.Helper()
	schema := "test_" + strings.ToLower(rand.Text())
	u, err := url.Parse(server)
	must(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	raw, err := sql.Open("pgx", u.String())
	must(t, err)
	raw.SetMaxOpenConns(16)
	raw.SetMaxIdleConns(16)
	_, err = raw.Exec("CREATE SCHEMA " + schema)
	must(t, err)
	t.Cleanup(func() {
		raw.Exec("DROP SCHEMA " + schema + " CASCADE")
		raw.Close()
	})
	return ledger{store.Config{URL: u.String(), KeyDir: t.TempDir()}, raw}
}

// open returns a Store of its own; it is closed when the test ends.
func (l ledger) open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), l.Config)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// exec alters the ledger behind the store's back.
func (l ledger) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	r, err := l.raw.Exec(query, args...)
	must(t, err)
	if n, _ := r.RowsAffected(); n == 0 && !strings.HasPrefix(query, "CREATE") && !strings.HasPrefix(query, "ALTER") {
		t.Fatalf("nothing was altered by %s", query)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noon is when everything begins in these tests; the store takes the time from its callers.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func fresh(t testing.TB) confirm.Change {
	t.Helper()
	c, err := newChange()
	must(t, err)
	return c
}

// newChange returns a new pending change. Its body is what somebody typed: blanks and all.
func newChange() (confirm.Change, error) {
	p := confirm.Proposal{
		Operation: "add_scan", Target: "tenant-a", Summary: "Add the scan “core <switches> & routers”.",
		Request: confirm.Request{
			Method: "POST", Path: "/api/DeviceAuthenticatedScanDefinitions",
			Body: json.RawMessage("{ \"scanName\": \"core <switches> & routers\",\n \"target\": \"10.0.0.0/24\" }"),
		},
		Subjects: []confirm.Subject{{Title: "core", Fields: []confirm.Field{{Name: "target", After: "10.0.0.0/24"}}}},
		Warnings: []string{"the scanner was last seen 9 days ago"},
		Snapshot: json.RawMessage("[ {\"id\":\"1\"} ]\n"),
	}
	digest, err := p.Digest()
	return confirm.Change{
		ID: ulid.Make().String(), Code: "CODE7", Proposal: p, Digest: digest,
		Requester: "slack:T1/U1", Source: "Slack", Channels: []confirm.Channel{confirm.Slack, "page"},
		Created: noon, Updated: noon, Expires: noon.Add(15 * time.Minute), State: confirm.Pending, Needed: 1,
	}, err
}

func insert(t testing.TB, s *store.Store) confirm.Change {
	t.Helper()
	c := fresh(t)
	must(t, s.Insert(t.Context(), c))
	return c
}

func yes(person string) *confirm.Decision {
	return &confirm.Decision{
		Person: person, Principal: confirm.Principal("slack:T1/" + person), Name: "Ms " + person,
		Approve: true, Channel: confirm.Slack, At: noon.Add(time.Minute),
	}
}

func ended(state confirm.State) *confirm.Outcome {
	return &confirm.Outcome{State: state, Reason: "it was " + string(state), Scans: json.RawMessage(`[{"id":"7"}]`)}
}

// approval, claim and finish are the moves of a change that goes well.
func approval(person string) confirm.Move {
	return confirm.Move{To: confirm.Approved, At: noon.Add(time.Minute), Unexpired: true, Decision: yes(person)}
}

func claim(owner string) confirm.Move {
	at := noon.Add(2 * time.Minute)
	return confirm.Move{To: confirm.Executing, At: at, Unexpired: true, Owner: owner, Lease: at.Add(5 * time.Second)}
}

func finish(state confirm.State) confirm.Move {
	return confirm.Move{To: state, At: noon.Add(3 * time.Minute), Outcome: ended(state)}
}

// walk makes moves one after the other.
func walk(ctx context.Context, s *store.Store, c confirm.Change, moves ...confirm.Move) (confirm.Change, error) {
	for _, m := range moves {
		var err error
		if c, err = s.Move(ctx, c, m); err != nil {
			return c, err
		}
	}
	return c, nil
}

func mustWalk(t testing.TB, s *store.Store, c confirm.Change, moves ...confirm.Move) confirm.Change {
	t.Helper()
	c, err := walk(t.Context(), s, c, moves...)
	must(t, err)
	return c
}

func mustRead(t testing.TB, s *store.Store, id string) confirm.Change {
	t.Helper()
	c, err := s.Change(t.Context(), id)
	must(t, err)
	return c
}

func mustVerify(t testing.TB, s *store.Store) store.Head {
	t.Helper()
	head, err := s.Verify(t.Context())
	must(t, err)
	return head
}

// inParallel runs do n times at once.
func inParallel(n int, do func(i int)) {
	done := make(chan struct{})
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			do(i)
		}()
	}
	for range n {
		<-done
	}
}
