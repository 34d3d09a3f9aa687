package tools_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

func TestMain(m *testing.M) {
	if os.Getenv("SCANWARDEN_TEST_ROLE") == "replica" {
		if err := runReplica(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "replica:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// racePolicy lets bob confirm whatever ada proposes.
var racePolicy = confirm.Policy{Approvers: []string{"token:bob"}, MaxOpenPerRequester: 1 << 20}

// replica is one process on a ledger that it shares with others.
type replica struct {
	store   *store.Store
	gate    *confirm.Gate
	service *tools.Service
}

// openReplica opens the ledger and connects to the tenant as a server does.
func openReplica(ctx context.Context, ledger store.Config, tenant string) (*replica, error) {
	s, err := store.Open(ctx, ledger)
	if err != nil {
		return nil, err
	}
	api := defender.Config{URL: tenant, Token: func(context.Context, defender.TokenRequest) (string, error) { return "token", nil }}
	client, err := defender.New(api)
	writer, writerErr := defender.NewWriter(api)
	if err := errors.Join(err, writerErr); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	executor := tools.NewExecutor(client, writer, nil, nil)
	gate := confirm.New(confirm.Config{
		Store: s, Policy: racePolicy, Target: "simulator", Key: toolstest.ServerKey(), Execute: executor.Execute, Reconcile: executor.Reconcile,
	})
	service := tools.NewService(tools.Config{Reader: client, Gate: gate, Policy: racePolicy, Target: "simulator"})
	return &replica{s, gate, service}, nil
}

// atOnce is how many changes a process confirms at once. Both processes of a race take them in the same order. More would
// load a slow machine until executions lose their leases, and races without a winner prove nothing.
const atOnce = raceBatch

// runReplica is the main function of a second process. It reads ids of changes, confirms them, and prints how each
// ended.
func runReplica(ctx context.Context) error {
	r, err := openReplica(ctx, store.Config{URL: os.Getenv("LEDGER"), KeyDir: os.Getenv("KEYS")}, os.Getenv("TENANT"))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	var all sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, atOnce)
	for ids := bufio.NewScanner(os.Stdin); ids.Scan(); {
		id := ids.Text()
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			c, err := r.confirm(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			fmt.Println(id, c.State, err)
		})
	}
	all.Wait()
	return errors.Join(r.gate.Drain(ctx), r.store.Close())
}

// confirm confirms a change as bob and returns it when it has ended.
func (r *replica) confirm(ctx context.Context, id string) (confirm.Change, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	c, err := r.gate.Decide(ctx, id, confirm.Vote{Principal: "token:bob", Approve: true, Channel: confirm.Slack})
	if err != nil {
		return c, err
	}
	return r.gate.Wait(ctx, id)
}

// replicaProcess is a running second process.
type replicaProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startReplicaProcess(t *testing.T, ledger store.Config, tenant string) replicaProcess {
	t.Helper()
	p := replicaProcess{cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), "SCANWARDEN_TEST_ROLE=replica", "LEDGER="+ledger.URL, "KEYS="+ledger.KeyDir, "TENANT="+tenant)
	p.cmd.Stderr = os.Stderr
	var err, outErr error
	p.in, err = p.cmd.StdinPipe()
	out, outErr := p.cmd.StdoutPipe()
	if err := errors.Join(err, outErr, p.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	if p.out = bufio.NewScanner(out); !p.out.Scan() {
		t.Fatal("the process did not start")
	}
	return p
}

// send tells the process to confirm a change.
func (p replicaProcess) send(t *testing.T, id string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, id); err != nil {
		t.Fatal(err)
	}
}

// states waits until n changes have ended, and returns how, by id.
func (p replicaProcess) states(t *testing.T, n int) map[string]string {
	t.Helper()
	ended := map[string]string{}
	for len(ended) < n && p.out.Scan() {
		var id, state, err string
		if n, _ := fmt.Sscan(p.out.Text(), &id, &state, &err); n != 3 || err != "<nil>" {
			t.Fatalf("the process printed %q", p.out.Text())
		}
		ended[id] = state
	}
	return ended
}

// end closes the process's input and waits until it has ended.
func (p replicaProcess) end(t *testing.T) {
	t.Helper()
	if err := errors.Join(p.in.Close(), p.cmd.Wait()); err != nil {
		t.Error(err)
	}
}

// raceLedger returns a new SQLite ledger, or a new schema of the PostgreSQL server.
func raceLedger(t *testing.T, server string) store.Config {
	t.Helper()
	dir := t.TempDir()
	if server == "" {
		return store.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyDir: dir}
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	schema := "race_" + strings.ToLower(rand.Text())
	db, err := sql.Open("pgx", server)
	if err == nil {
		_, err = db.Exec("CREATE SCHEMA " + schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Exec("DROP SCHEMA " + schema + " CASCADE")
		db.Close()
	})
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return store.Config{URL: u.String(), KeyDir: dir}
}

// TestTwoChangesOfOneScan writes raceRounds scans: each is one round of the race. raceBatch of them exist, are proposed
// and raced at a time: each proposal is compared with all open ones, and each execution lists all scans.
const (
	raceRounds = 200
	raceBatch  = 8
)

// TestTwoChangesOfOneScan confirms two changes of each scan at once, in two processes on one ledger, while the tenant is
// 50 ms away. At most one of the two is applied, and the other is not sent: none overwrites the other.
func TestTwoChangesOfOneScan(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		raceTwoProcesses(t, raceLedger(t, ""))
	})
	if server := os.Getenv("SCANWARDEN_TEST_POSTGRES"); server != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			raceTwoProcesses(t, raceLedger(t, server))
		})
	}
}

func raceTwoProcesses(t *testing.T, ledger store.Config) {
	tenant := defendertest.New(defendertest.Options{})
	api := httptest.NewServer(tenant)
	t.Cleanup(func() {
		tenant.Close()
		api.Close()
	})
	processes := [2]replicaProcess{startReplicaProcess(t, ledger, api.URL), startReplicaProcess(t, ledger, api.URL)}
	tenant.Fail(defendertest.Fault{Delay: 50 * time.Millisecond, Times: -1})
	var won [2]int
	for range raceRounds / raceBatch {
		scans := make([]string, raceBatch)
		for i := range scans {
			scans[i] = tenant.AddScan(foreignLab(map[string]any{"scanName": fmt.Sprint("Race ", i), "intervalInHours": 8}))
		}
		changes := proposeRaces(t, ledger, api.URL, scans)
		for _, pair := range changes {
			processes[0].send(t, pair[0])
			processes[1].send(t, pair[1])
		}
		ended := [2]map[string]string{processes[0].states(t, raceBatch), processes[1].states(t, raceBatch)}
		for i, scan := range scans {
			stored, _ := tenant.Scan(scan)
			arrived := [2]bool{fmt.Sprint(stored["intervalInHours"]) == "50", fmt.Sprint(stored["isActive"]) == "false"}
			states := [2]string{ended[0][changes[i][0]], ended[1][changes[i][1]]}
			if !isRaceLawful(states, arrived) {
				t.Errorf("%s: the two changes are %v; what arrived of each: %v", scan, states, arrived)
			}
			for n := range won {
				if arrived[n] {
					won[n]++
				}
			}
			tenant.Remove(scan)
		}
	}
	processes[0].end(t)
	processes[1].end(t)
	t.Logf("%d rounds: the first process won %d, the second %d", raceRounds, won[0], won[1])
	if n := len(tenant.Writes()); n != won[0]+won[1] {
		t.Errorf("%d writes arrived, want %d", n, won[0]+won[1])
	}
	if won[0]+won[1] < raceRounds/2 {
		t.Errorf("only %d rounds had a winner, want at least %d", won[0]+won[1], raceRounds/2)
	}
}

// isRaceLawful reports whether two changes of one scan may have ended so: at most one arrived, and each is said to be what
// it is. On a slow machine a process that could not renew its lease ends failed before sending or unknown, and a
// change that waits for an unknown one stays approved.
func isRaceLawful(states [2]string, arrived [2]bool) bool {
	if arrived[0] && arrived[1] {
		return false
	}
	for n, state := range states {
		switch state {
		case "applied":
			if !arrived[n] {
				return false
			}
		case "stale", "failed":
			if arrived[n] {
				return false
			}
		case "approved":
			if arrived[n] || states[1-n] != "unknown" {
				return false
			}
		case "unknown":
		default:
			return false
		}
	}
	return true
}

// proposeRaces proposes two changes of each scan, planned against the same live state, and returns their ids.
func proposeRaces(t *testing.T, ledger store.Config, tenant string, scans []string) [][2]string {
	t.Helper()
	r, err := openReplica(t.Context(), ledger, tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer r.store.Close()
	by := confirm.Requester{Source: confirm.SourceSlack, Principal: "token:ada", Channels: []confirm.Channel{confirm.Slack}}
	changes := make([][2]string, len(scans))
	for i, scan := range scans {
		for j, args := range []string{`{"id":%q,"intervalInHours":50}`, `{"id":%q,"isActive":false}`} {
			c, err := r.service.Propose(t.Context(), by, "update_scan", json.RawMessage(fmt.Sprintf(args, scan)))
			if err != nil {
				t.Fatal(err)
			}
			changes[i][j] = c.ID
		}
	}
	return changes
}
