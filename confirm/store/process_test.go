package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// process is a second run of this test binary, in a role on the same database.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func (l testDatabase) startProcess(t testing.TB, role string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), "SCANWARDEN_TEST_ROLE="+role, "LEDGER="+l.URL, "KEYS="+l.KeyDir)
	p.cmd.Stderr = os.Stderr
	var err error
	p.in, err = p.cmd.StdinPipe()
	must(t, err)
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	p.out = bufio.NewScanner(out)
	must(t, p.cmd.Start())
	return p
}

// send writes lines to the standard input of the process.
func (p *process) send(t testing.TB, lines ...string) {
	t.Helper()
	_, err := io.WriteString(p.in, strings.Join(lines, "\n")+"\n")
	must(t, err)
}

// remainingLines returns the lines that the process prints until it ends. It must end with success.
func (p *process) remainingLines(t testing.TB) (lines []string) {
	t.Helper()
	for p.out.Scan() {
		lines = append(lines, p.out.Text())
	}
	must(t, p.out.Err())
	must(t, p.cmd.Wait())
	return lines
}

// runRole is the main function of a test process. It returns the exit code.
func runRole(role string) int {
	roles := map[string]func(context.Context, *store.Store, io.Reader) error{"race": claimConcurrently, "stream": moveUntilKilled}
	ctx, in := context.Background(), bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil { // until all have started
		return 2
	}
	s, err := store.Open(ctx, store.Config{URL: os.Getenv("LEDGER"), KeyDir: os.Getenv("KEYS")})
	if err == nil {
		err = errors.Join(roles[role](ctx, s, in), s.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role, err)
		return 1
	}
	return 0
}

// claimConcurrently reads ids of changes and claims each 16 times at once, as if every caller had read it while it
// was approved. It prints the changes it won. At the same time other changes run through their life, and calls use
// the rate limiter.
func claimConcurrently(ctx context.Context, s *store.Store, in io.Reader) error {
	var changes []confirm.Change
	for ids := bufio.NewScanner(in); ids.Scan(); {
		c, err := s.Change(ctx, ids.Text())
		if err != nil {
			return err
		}
		c.State, c.Version = confirm.Approved, 1
		changes = append(changes, c)
	}
	limiter := s.RateLimiter(store.Limits{PerMinute: 10_000, PerHour: 100_000}, nil)
	errs := make([]error, 16)
	inParallel(len(errs), func(i int) {
		for _, c := range changes {
			_, err := s.Move(ctx, c, claim(fmt.Sprint(os.Getpid(), i)))
			if err == nil {
				fmt.Println("won", c.ID)
			} else if errors.Is(err, confirm.ErrMoved) {
				err = nil
			}
			errs[i] = errors.Join(errs[i], err, limiter.Wait(ctx, confirmedWrite))
		}
		errs[i] = errors.Join(errs[i], runLifecycle(ctx, s, func(confirm.Change) {}))
	})
	return errors.Join(errs...)
}

// moveUntilKilled makes moves until it is killed, and prints the committed ones.
func moveUntilKilled(ctx context.Context, s *store.Store, _ io.Reader) error {
	failed := make(chan error)
	for range 4 {
		go func() {
			for {
				if err := runLifecycle(ctx, s, func(c confirm.Change) { fmt.Println(c.ID, c.Version) }); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// runLifecycle takes one change from proposed to applied.
func runLifecycle(ctx context.Context, s *store.Store, done func(confirm.Change)) error {
	c, err := newChange()
	if err != nil {
		return err
	}
	if err := s.Insert(ctx, c); err != nil {
		return err
	}
	done(c)
	for _, m := range []confirm.Move{approval("ada"), claim("me"), finish(confirm.Applied)} {
		if c, err = s.Move(ctx, c, m); err != nil {
			return err
		}
		done(c)
	}
	return nil
}

// Three processes open a new ledger at once, and then race for the same changes. Each change is won once, and no
// process gets an error.
func TestProcessesRace(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		var all [3]*process
		for i := range all {
			all[i] = l.startProcess(t, "race")
		}
		for _, p := range all {
			p.send(t, "go") // they open it now, and make the tables and the key
		}
		s := l.openStore(t)
		var ids []string
		for range 10 {
			ids = append(ids, mustMove(t, s, insert(t, s), approval("ada")).ID)
		}
		for _, p := range all {
			p.send(t, ids...)
			must(t, p.in.Close())
		}
		won := map[string]int{}
		for _, p := range all {
			for _, line := range p.remainingLines(t) {
				won[line]++
			}
		}
		for _, id := range ids {
			if n := won["won "+id]; n != 1 {
				t.Errorf("change %s was won %d times", id, n)
			}
		}
		if n := mustVerify(t, s).Entries; n != int64(3*len(ids)+3*16*4) {
			t.Errorf("the log has %d entries", n)
		}
		var taken int
		must(t, l.raw.QueryRow(`SELECT taken FROM budget`).Scan(&taken))
		if want := 3 * 16 * len(ids); taken != want {
			t.Errorf("%d calls were counted, want %d", taken, want)
		}
	})
}

// A killed process leaves a valid log, rows that agree with it, and every transition that it got a success for.
func TestKilledProcess(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		for round := range 3 {
			p := l.startProcess(t, "stream")
			p.send(t, "go")
			done := map[string]int64{}
			read := func() {
				var id string
				var version int64
				if n, _ := fmt.Sscan(p.out.Text(), &id, &version); n == 2 {
					done[id] = version
				}
			}
			for range 40 + 7*round {
				if !p.out.Scan() {
					t.Fatal("the process ended by itself")
				}
				read()
			}
			must(t, p.cmd.Process.Kill())
			for p.out.Scan() {
				read()
			}
			if err := p.cmd.Wait(); err == nil {
				t.Error("the process was not killed")
			}
			s := l.openStore(t)
			head := mustVerify(t, s)
			for id, version := range done {
				if got := mustRead(t, s, id).Version; got < version {
					t.Errorf("change %s is at version %d, and was said to be at %d", id, got, version)
				}
			}
			if head.Entries < 40 {
				t.Errorf("the log has %d entries", head.Entries)
			}
			insert(t, s) // and it goes on
			mustVerify(t, s)
		}
	})
}
