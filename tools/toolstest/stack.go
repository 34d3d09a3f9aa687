// Package toolstest builds the simulated stack that the tests of every interface share.
//
// The stack is real from end to end: a simulated tenant behind HTTP, a client and a writer of it, a Gate over a
// SQLite store, and the Service and the Executor between them. Nothing in it is a mock. [New] builds one for a test
// and takes it down when the test ends.
//
// The invariant: only the Executor of a stack writes to its tenant, so that the tenant's writes are those of
// confirmed changes.
package toolstest

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// Options describes how a stack differs from the default. The zero value is a tenant with the simulator's seeded
// scans, and a policy without approvers.
type Options struct {
	Tenant      defendertest.Options
	Policy      confirm.Policy
	Credentials map[string]tools.Credential
	Target      string           // the tenant's name; "" means "simulator"
	Now         func() time.Time // nil means time.Now; see Stack.Advance
	NoGate      bool             // no store and no Gate: for plans and reads, without the cost of a database

	// These change a configuration before it is used. Each may be nil.
	Defender func(*defender.Config)
	Gate     func(*confirm.Config)
	Service  func(*tools.Config)
}

// Stack is a running stack. Its fields are set by New.
type Stack struct {
	Tenant   *defendertest.Server
	URL      string // of the tenant's API
	Scanner  string // machine id of the one scanner of a tenant that began empty; otherwise ""
	Client   *defender.Client
	Writer   *defender.Writer
	Executor *tools.Executor
	Service  *tools.Service
	Typed    *tools.TypedSecrets // what approvers have typed; the Executor takes it from here

	Dir   string       // holds the store and its key; "" without a Gate
	Store *store.Store // nil without a Gate
	Gate  *confirm.Gate

	now   func() time.Time
	ahead atomic.Int64
}

// New returns a stack that is taken down when the test ends: first the Gate finishes what it has begun.
func New(t testing.TB, o Options) *Stack {
	t.Helper()
	if o.Target == "" {
		o.Target = "simulator"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Stack{now: o.Now, Typed: new(tools.TypedSecrets)}
	s.startTenant(t, o)
	s.connect(t, o)
	cfg := tools.Config{Reader: s.Client, Credentials: o.Credentials, Policy: o.Policy, Target: o.Target, Now: s.Now}
	if o.Service != nil {
		o.Service(&cfg)
	}
	s.Executor = tools.NewExecutor(s.Client, s.Writer, cfg.Credentials, s.Typed)
	if !o.NoGate {
		s.openStore(t)
		s.startGate(t, o)
		cfg.Gate = s.Gate
	}
	s.Service = tools.NewService(cfg)
	return s
}

// Now returns the time of the stack's clock, which the Gate and the Service use. It is safe for concurrent use if
// Options.Now is.
func (s *Stack) Now() time.Time { return s.now().Add(time.Duration(s.ahead.Load())) }

// Advance moves the stack's clock forward.
func (s *Stack) Advance(d time.Duration) { s.ahead.Add(int64(d)) }

func (s *Stack) startTenant(t testing.TB, o Options) {
	s.Tenant = defendertest.New(o.Tenant)
	if o.Tenant.Empty {
		s.Scanner = s.Tenant.AddScanner("scanner-1.example.com", s.Now())
	}
	api := httptest.NewServer(s.Tenant)
	t.Cleanup(func() {
		s.Tenant.Close() // first: api.Close waits for requests that hang
		api.Close()
	})
	s.URL = api.URL
}

// tokenPrefix begins the tokens of a stack. A token names the actor that it was requested for; see Callers.
const (
	tokenPrefix = "for-"
	agentPrefix = "agent-"
)

func tokenFor(_ context.Context, want defender.TokenRequest) (string, error) {
	if want.Actor.Agent {
		return tokenPrefix + agentPrefix + want.Actor.User, nil
	}
	return tokenPrefix + want.Actor.User, nil
}

func (s *Stack) connect(t testing.TB, o Options) {
	t.Helper()
	cfg := defender.Config{URL: s.URL, Token: tokenFor}
	if o.Defender != nil {
		o.Defender(&cfg)
	}
	var err, err2 error
	s.Client, err = defender.New(cfg)
	s.Writer, err2 = defender.NewWriter(cfg)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
}

// Callers returns the actor of each call of the tenant, in order: a principal, "agent-" and the principal of an
// agent, or "" for scanwarden itself.
func (s *Stack) Callers() []string {
	calls := s.Tenant.Calls()
	callers := make([]string, len(calls))
	for i, c := range calls {
		callers[i] = strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer "+tokenPrefix)
	}
	return callers
}

func (s *Stack) openStore(t testing.TB) {
	t.Helper()
	s.Dir = t.TempDir()
	var err error
	s.Store, err = store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(s.Dir, "ledger.db"), KeyDir: s.Dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// ServerKey returns the key of every Gate in tests.
func ServerKey() []byte { return bytes.Repeat([]byte{7}, 32) }

func (s *Stack) startGate(t testing.TB, o Options) {
	cfg := confirm.Config{
		Store: s.Store, Policy: o.Policy, Target: o.Target, Key: ServerKey(), Now: s.Now,
		Execute: s.Executor.Execute, Reconcile: s.Executor.Reconcile,
		CheckApproval: s.Typed.Check, OnTransition: s.Typed.Forget,
		CanExecute: func(_ context.Context, c confirm.Change) error { return s.Typed.Check(c) },
	}
	cfg.Execute = func(ctx context.Context, c confirm.Change, beforeSend confirm.BeforeSend) confirm.Outcome {
		defer s.Service.InvalidateCache() // as a server does: otherwise the next plan is older than this change
		return s.Executor.Execute(ctx, c, beforeSend)
	}
	if o.Gate != nil {
		o.Gate(&cfg)
	}
	s.Gate = confirm.New(cfg)
	t.Cleanup(func() {
		if err := s.Gate.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
