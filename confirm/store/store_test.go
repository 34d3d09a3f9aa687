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
		os.Exit(runRole(role))
	}
	os.Exit(m.Run())
}

// testDatabase is an empty database on which a test can open several Stores, as several processes would.
type testDatabase struct {
	store.Config
	raw *sql.DB // access beside the Store
}

// forEachDatabase runs test on an empty SQLite and an empty PostgreSQL database, in parallel with other tests.
func forEachDatabase(t *testing.T, test func(t *testing.T, l testDatabase)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newSQLiteDatabase(t))
	})
	server := os.Getenv("SCANWARDEN_TEST_POSTGRES")
	switch {
	case server != "":
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			test(t, newPostgresDatabase(t, server))
		})
	case os.Getenv("CI") == "true":
		t.Error("SCANWARDEN_TEST_POSTGRES is not set: set it to the URL that .ci/postgres.sh prints")
	default:
		t.Log("PostgreSQL was left out; run with SCANWARDEN_TEST_POSTGRES=$(.ci/postgres.sh)")
	}
}

func newSQLiteDatabase(t testing.TB) testDatabase {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	raw, err := sql.Open("sqlite", path+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	must(t, err)
	raw.SetMaxOpenConns(1)
	t.Cleanup(func() { raw.Close() })
	return testDatabase{store.Config{URL: "sqlite:" + path, KeyDir: t.TempDir()}, raw}
}

// newPostgresDatabase creates a schema of its own, which is dropped when the test ends.
func newPostgresDatabase(t testing.TB, server string) testDatabase {
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
	return testDatabase{store.Config{URL: u.String(), KeyDir: t.TempDir()}, raw}
}

// openStore returns a Store of its own; it is closed when the test ends.
func (l testDatabase) openStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), l.Config)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// alter changes the database without an audit entry.
func (l testDatabase) alter(t testing.TB, query string, args ...any) {
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

// noon is the start time of these tests; the Store takes the time from its callers.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func mustNewChange(t testing.TB) confirm.Change {
	t.Helper()
	c, err := newChange()
	must(t, err)
	return c
}

// newChange returns a new pending change. Its body is as typed, with blanks.
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
	c := mustNewChange(t)
	must(t, s.Insert(t.Context(), c))
	return c
}

func approveAs(person string) *confirm.Decision {
	return &confirm.Decision{
		Person: person, Principal: confirm.Principal("slack:T1/" + person), Name: "Ms " + person,
		Approve: true, Channel: confirm.Slack, At: noon.Add(time.Minute),
	}
}

func outcomeOf(state confirm.State) *confirm.Outcome {
	return &confirm.Outcome{State: state, Reason: "it was " + string(state), Scans: json.RawMessage(`[{"id":"7"}]`)}
}

// approval, claim and finish are the moves of a change that is applied.
func approval(person string) confirm.Move {
	return confirm.Move{To: confirm.Approved, At: noon.Add(time.Minute), Unexpired: true, Decision: approveAs(person)}
}

func claim(owner string) confirm.Move {
	at := noon.Add(2 * time.Minute)
	return confirm.Move{To: confirm.Executing, At: at, Unexpired: true, Owner: owner, Lease: at.Add(5 * time.Second)}
}

func finish(state confirm.State) confirm.Move {
	return confirm.Move{To: state, At: noon.Add(3 * time.Minute), Outcome: outcomeOf(state)}
}

// moveAll makes the moves one after the other and returns the last change.
func moveAll(ctx context.Context, s *store.Store, c confirm.Change, moves ...confirm.Move) (confirm.Change, error) {
	for _, m := range moves {
		var err error
		if c, err = s.Move(ctx, c, m); err != nil {
			return c, err
		}
	}
	return c, nil
}

func mustMove(t testing.TB, s *store.Store, c confirm.Change, moves ...confirm.Move) confirm.Change {
	t.Helper()
	c, err := moveAll(t.Context(), s, c, moves...)
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
