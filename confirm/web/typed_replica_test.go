package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// skipLog reports each change that a process leaves to another one.
type skipLog chan string

func (l skipLog) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "is left to another process") {
		l <- string(line)
	}
	return len(line), nil
}

// heldSite is a site whose process has an approved change that it cannot claim yet, with what was typed for it. free lets it
// claim the change. replica is another process on the same ledger.
type heldSite struct {
	*changeSite
	change  confirm.Change
	free    *atomic.Bool
	replica *confirm.Gate
	skipped skipLog
}

func newHeldSite(t *testing.T) heldSite {
	t.Helper()
	s := heldSite{free: new(atomic.Bool), skipped: make(skipLog, 100)}
	var cfg confirm.Config
	s.changeSite = newChangeSite(t, func(o *toolstest.Options, _ *web.ChangesConfig) {
		o.Gate = func(g *confirm.Config) {
			cfg = *g
			g.Standing = func(context.Context, confirm.Decision) error {
				if s.free.Load() {
					return nil
				}
				return fmt.Errorf("the directory does not answer: %w", confirm.ErrUnavailable)
			}
		}
	})
	typed := new(tools.TypedSecrets)
	executor := tools.NewExecutor(s.Client, s.Writer, nil, typed)
	cfg.Execute, cfg.Reconcile = executor.Execute, executor.Reconcile
	cfg.CheckApproval, cfg.OnTransition = typed.Check, typed.Forget
	cfg.CanExecute = func(_ context.Context, c confirm.Change) error { return typed.Check(c) }
	cfg.Log = slog.New(slog.NewTextHandler(s.skipped, nil))
	s.replica = confirm.New(cfg)

	s.change = s.ask(t, "add_scan", "AuthPriv")
	p := s.signIn(t, grace)
	p.send(t, s.change, p.typedForm(t, s.change, "AuthPriv"), nil)
	if got := s.now(t, s.change); got.State != confirm.Approved || s.Typed.Len() != 1 {
		t.Fatalf("the change is %s, and %d are held", got.State, s.Typed.Len())
	}
	return s
}

// recover runs the recovery of a gate until the test ends.
func (s heldSite) recover(t *testing.T, g *confirm.Gate) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = g.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

// waitSkipped waits until the replica has left the change to another process.
func (s heldSite) waitSkipped(t *testing.T) {
	t.Helper()
	select {
	case line := <-s.skipped:
		if !strings.Contains(line, "is not held here") {
			t.Errorf("it is left for another reason: %s", line)
		}
	case <-time.After(time.Minute):
		t.Fatal("the replica does not look at the change")
	}
}

// A replica leaves a change to the process on which its credential was typed. That one sends it once.
func TestAReplicaDoesNotClaimWhatWasTypedElsewhere(t *testing.T) {
	t.Parallel()
	s := newHeldSite(t)
	s.Advance(10 * time.Second)
	s.recover(t, s.replica)
	s.waitSkipped(t)
	if got := s.now(t, s.change); got.State != confirm.Approved || len(s.Tenant.Writes()) != 0 {
		t.Fatalf("the change is %s after %d writes", got.State, len(s.Tenant.Writes()))
	}
	s.free.Store(true)
	s.recover(t, s.Gate)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := s.Gate.Wait(ctx, s.change.ID); err != nil || got.State != confirm.Applied {
		t.Fatalf("the change is %s (%s), %v", got.State, got.Outcome.Reason, err)
	}
	checkSent(t, s.Tenant.Writes(), "AuthPriv")
	s.checkNoCanary(t, s.change)
}

// When the process that holds the credential has died, nobody sends the change. It expires and says what to do.
func TestALostTypedCredentialIsNotSent(t *testing.T) {
	t.Parallel()
	s := newHeldSite(t)
	s.Advance(10 * time.Second)
	s.recover(t, s.replica)
	s.waitSkipped(t)
	s.Advance(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := s.replica.Wait(ctx, s.change.ID)
	if err != nil || got.State != confirm.Expired {
		t.Fatalf("the change is %s, %v", got.State, err)
	}
	for _, want := range []string{"nothing was sent", "lost when scanwarden stopped", "propose the change again"} {
		if !strings.Contains(got.Outcome.Reason, want) {
			t.Errorf("the reason lacks %q: %s", want, got.Outcome.Reason)
		}
	}
	if n := len(s.Tenant.Writes()); n != 0 {
		t.Errorf("%d writes arrived", n)
	}
}

// The Executor itself sends nothing without what was typed, whatever the Gate decides.
func TestTheExecutorSendsNothingWithoutTheTypedCredential(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.ask(t, "add_scan", "AuthPriv")
	if _, err := s.Typed.Hold(c, map[string]string{"authPassword": typedCanary, "privPassword": typedCanary}); err != nil {
		t.Fatal(err)
	}
	other := c
	other.Digest = "sha256:of another change"
	for name, change := range map[string]confirm.Change{"another digest": other, "another id": {ID: "x", Proposal: c.Proposal, Digest: c.Digest}} {
		out := s.Executor.Execute(t.Context(), change, func(context.Context, json.RawMessage) error { return nil })
		if out.State != confirm.Failed || !strings.Contains(out.Reason, "is not held here") || out.Next != "Propose the change again." {
			t.Errorf("%s: %+v", name, out)
		}
	}
	if n := len(s.Tenant.Writes()); n != 0 {
		t.Errorf("%d writes arrived", n)
	}
}
