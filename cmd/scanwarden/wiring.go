package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
)

// plan is what a server is built from.
type plan struct {
	cfg     *config
	env     environment
	log     *slog.Logger
	metrics *metrics
}

// house is the rooms behind a door.
type house struct {
	store *store.Store
	gate  *confirm.Gate
	desk  *tools.Desk
	end   context.CancelFunc // ends recovery
	ended chan struct{}      // closed when recovery has ended

	stopTenant func() // of the built-in simulator
}

// open builds the rooms in the order in which they depend on each other, and starts recovery.
func (p plan) open(ctx context.Context) (*house, error) {
	ledger, err := p.cfg.ledger(p.env)
	if err != nil {
		return nil, err
	}
	h := &house{ended: make(chan struct{}), stopTenant: func() {}}
	if h.store, err = store.Open(ctx, ledger); err != nil {
		return nil, fmt.Errorf("%w; set SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR to a ledger that can be opened", err)
	}
	if err := p.furnish(h); err != nil {
		return nil, errors.Join(err, h.store.Close())
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.end = cancel
	go func() {
		defer close(h.ended)
		if err := h.gate.Run(running); err != nil {
			p.log.Error("recovery ended", "error", err)
		}
	}()
	return h, nil
}

// furnish makes desk and gate.
//
// This is where authority is handed out, by capability and not by convention. reader can only read, and
// goes to the desk. writer can write, and goes to the executor alone; the executor's two methods go to
// confirm.New alone, whose gate calls them with confirmed changes only. No face ever holds either.
func (p plan) furnish(h *house) error {
	api, target, err := p.defender(h)
	if err != nil {
		return err
	}
	api.HTTP = p.metrics.client(true)
	reader, err := defender.New(api)
	if err != nil {
		return err
	}
	api.HTTP = p.metrics.client(false)
	writer, err := defender.NewWriter(api)
	if err != nil {
		return err
	}
	// What the executor reads belongs to a write that a person waits for: it does not queue behind other reads.
	urgent, take := api, api.Budget
	urgent.Budget = func(ctx context.Context, _ bool) error { return take(ctx, true) }
	urgent.HTTP = p.metrics.client(true)
	live, err := defender.New(urgent)
	if err != nil {
		return err
	}
	credentials, policy := p.cfg.credentials(p.env), p.cfg.policy()
	executor := tools.NewExecutor(live, writer, credentials)
	h.gate = confirm.New(confirm.Config{
		Ledger: h.store, Policy: policy, Target: target, Log: p.log, Moved: p.metrics.moved,
		Execute: func(ctx context.Context, c confirm.Change, still func(context.Context) error) confirm.Outcome {
			defer h.desk.Forget() // the next plan is made against what this one leaves
			return executor.Execute(ctx, c, still)
		},
		Reconcile: executor.Reconcile,
	})
	h.desk = tools.NewDesk(tools.Config{
		Reader: reader, Gate: h.gate, Credentials: credentials, Policy: policy, Target: target,
	})
	return nil
}

// defender says how Defender is called, and the name of the tenant behind it. All calls of all processes on
// this ledger share one budget.
func (p plan) defender(h *house) (cfg defender.Config, target string, err error) {
	budget := h.store.Budget(store.Limits{}, func(ctx context.Context, d time.Duration) {
		p.metrics.waited(d)
		tools.Progress(ctx, fmt.Sprintf("waiting %d s for Defender's call budget", int(d.Round(time.Second).Seconds())))
	})
	cfg = defender.Config{
		Budget: budget.Take,
		Throttled: func(ctx context.Context, until time.Time) {
			if err := budget.Pause(ctx, until); err != nil {
				p.log.WarnContext(ctx, "the other processes do not know that Defender asked to wait", "until", until, "error", err)
			}
		},
		UserAgent: "scanwarden/" + versionText(),
	}
	if target, err = p.cfg.target(); err != nil {
		return cfg, "", err
	}
	if p.cfg.Simulator {
		cfg.URL, cfg.Token, err = h.simulate()
		return cfg, target, err
	}
	to, err := p.cfg.endpoints()
	if err != nil {
		return cfg, "", err
	}
	cfg.URL = to.URL
	cfg.Token, err = p.cfg.signIn()
	return cfg, target, err
}

// simulate serves the built-in tenant, behind a token of its own: the client talks real HTTP to it.
func (h *house) simulate() (url string, token tokenSource, err error) {
	secret := rand.Text()
	tenant := defendertest.New(defendertest.Options{Token: secret})
	url, h.stopTenant, err = serveTenant(tenant)
	return url, fixedToken(secret), err
}

// close lets what is being executed end, until ctx is done, and then shuts the rooms. What is not over by
// then is left to the next start's recovery.
func (h *house) close(ctx context.Context) error {
	h.end()
	<-h.ended
	err := h.gate.Drain(ctx)
	h.stopTenant()
	return errors.Join(err, h.store.Close())
}

// backend opens the house beside the door, so that the handshake is answered while the ledger is still
// being opened: no client waits for a disk.
type backend struct {
	begin  func()        // starts to open, if nobody has yet
	opened chan struct{} // closed when house or err is set
	house  *house
	err    error
}

// idle is how long the opening may wait for a client's first word. Recovery cannot wait longer.
const idle = time.Second

// openBeside opens the house when begin is called, or a call comes, or after a moment. failed is told why it
// cannot be opened; that ends the process. What is merely missing does not: it becomes the error of each
// tool call.
func (p plan) openBeside(ctx context.Context, failed func(error)) *backend {
	begun := make(chan struct{})
	b := &backend{begin: sync.OnceFunc(func() { close(begun) }), opened: make(chan struct{})}
	if b.err = p.cfg.missing(); b.err != nil {
		p.log.Warn("every tool call will be refused", "reason", b.err)
		close(b.opened)
		return b
	}
	go func() {
		defer close(b.opened)
		select {
		case <-begun:
		case <-time.After(idle):
		}
		if b.house, b.err = p.open(ctx); b.err != nil {
			failed(b.err)
		}
	}()
	return b
}

// wait returns the rooms as soon as they stand, or why they do not.
func (b *backend) wait(ctx context.Context) (*mcpserver.Backend, error) {
	b.begin()
	select {
	case <-b.opened:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b.err != nil {
		return nil, b.err
	}
	return &mcpserver.Backend{Desk: b.house.desk, Gate: b.house.gate}, nil
}

// ready says why calls would fail right now, nil when they would not.
func (b *backend) ready(ctx context.Context) error {
	if _, err := b.wait(ctx); err != nil {
		return err
	}
	return b.house.store.Ping(ctx)
}

func (b *backend) close(ctx context.Context) error {
	b.begin()
	<-b.opened
	if b.house == nil {
		return nil
	}
	return b.house.close(ctx)
}

// door makes the MCP server in front of b.
func (p plan) door(b *backend) (*mcpserver.Server, error) {
	operations, err := p.cfg.catalogue()
	if err != nil {
		return nil, err
	}
	return mcpserver.New(mcpserver.Config{
		Operations: operations,
		Backend:    b.wait,
		Channels:   []confirm.Channel{confirm.Client}, // the only one in this build, see checkChannels
		Key: func() ([]byte, error) {
			ledger, err := p.cfg.ledger(p.env)
			if err != nil {
				return nil, err
			}
			return serverKey(ledger.KeyDir)
		},
		Version: versionText(),
		Log:     p.log,
	})
}
