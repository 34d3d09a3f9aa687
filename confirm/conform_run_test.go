package confirm_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm/store"
)

// conformLedger is a real ledger, and access to its database beside it.
type conformLedger struct {
	store *store.Store
	raw   *sql.DB
	clock *atomic.Int64
}

func openConformLedger(t *testing.T, where store.Config, driver, source string) conformLedger {
	t.Helper()
	ledger, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ledger.Close() })
	raw, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	l := conformLedger{ledger, raw, new(atomic.Int64)}
	l.clock.Store(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).UnixMicro())
	return l
}

func openSQLiteLedger(t *testing.T) conformLedger {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	where := store.Config{URL: "sqlite:" + file, KeyDir: dir}
	return openConformLedger(t, where, "sqlite", file+"?_pragma=busy_timeout(10000)")
}

// The number and the length of the traces. Time that passes in many short steps must stay below the next longer time.
const (
	traces      = 100
	fewTraces   = 25 // for a database on which each step takes longer
	traceLength = 40
)

// TestTheGateFollowsTheProtocol replays random traces of the model on two Gates over one ledger, with crashes, lost
// answers and slow processes, and compares each change, each execution and what callers are told after every step.
func TestTheGateFollowsTheProtocol(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		replayTraces(t, openSQLiteLedger(t), traces)
	})
	if server := os.Getenv("SCANWARDEN_TEST_POSTGRES"); server != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			source := newPostgresSchema(t, server)
			replayTraces(t, openConformLedger(t, store.Config{URL: source, KeyDir: t.TempDir()}, "pgx", source), fewTraces)
		})
	}
}

// newPostgresSchema creates a schema, which is dropped when the test ends, and returns the URL of the server with it.
func newPostgresSchema(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("conform_%d", time.Now().UnixNano())
	raw, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		raw.Exec("DROP SCHEMA " + schema + " CASCADE")
		raw.Close()
	})
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// replayTraces replays the first n traces, and checks that all of them together have every kind of step.
func replayTraces(t *testing.T, l conformLedger, n int) {
	var taken [stepKinds]int
	total := 0
	for seed := range uint64(n) {
		replayTrace(t, l, seed, &taken)
	}
	var missing []string
	for kind, times := range taken {
		if total += times; times == 0 && isReplayed(stepKind(kind)) {
			missing = append(missing, stepNames[kind])
		}
	}
	t.Logf("%d traces, %d steps: %v", n, total, taken)
	if len(missing) > 0 && n == traces {
		t.Errorf("no trace has: %s", strings.Join(missing, "; "))
	}
}

// replayTrace replays one random trace.
func replayTrace(t *testing.T, l conformLedger, seed uint64, taken *[stepKinds]int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	r := newReplay(t, l, fmt.Sprint("trace ", seed))
	defer r.end()
	for range traceLength {
		at, ok := choose(protocol{}, &r.model, rng)
		if !ok {
			return
		}
		taken[at.kind]++
		r.step(at)
	}
}

// TestTheGateWithstandsTheCounterexamples replays what breaks a guarantee without one guard. Steps that a guard prevents
// are left out.
func TestTheGateWithstandsTheCounterexamples(t *testing.T) {
	t.Parallel()
	l := openSQLiteLedger(t)
	for without := noGuard + 1; without < guards; without++ {
		fault := plantedFaults[without]
		c, found := newScenario(fault.scenario, fault.faults).explore(without)
		if found < 0 {
			t.Fatalf("%s: it was not found", fault.text)
		}
		path, _ := c.path(found)
		if fault.scenario == twoApproved {
			path = append(approveBoth(), path...)
		}
		replayPath(t, l, fault.text, path)
	}
}

// approveBoth leads to the first state of the scenario twoApproved.
func approveBoth() []step {
	return []step{
		{kind: propose}, {kind: vote}, {kind: vote, voter: 1},
		{kind: propose, change: 1}, {kind: vote, change: 1, voter: 1}, {kind: crash},
	}
}

// replayPath replays the steps that are possible with all guards, of these.
func replayPath(t *testing.T, l conformLedger, name string, path []step) {
	r := newReplay(t, l, name)
	defer r.end()
	for _, at := range path {
		possible := false
		protocol{}.steps(&r.model, func(s step) { possible = possible || s == at })
		if possible && isReplayed(at.kind) {
			r.step(at)
		}
	}
}
