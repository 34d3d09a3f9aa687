package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/slackbot"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
)

// blueprint is what a server is built from.
type blueprint struct {
	cfg     *config
	env     environment
	log     *slog.Logger
	metrics *metrics
	bot     *slackbot.Bot // nil where Slack is not configured
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
func (bp blueprint) open(ctx context.Context) (*house, error) {
	ledger, err := bp.cfg.ledger(bp.env)
	if err != nil {
		return nil, err
	}
	h := &house{ended: make(chan struct{}), stopTenant: func() {}}
	if h.store, err = store.Open(ctx, ledger); err != nil {
		return nil, fmt.Errorf("%w; set SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR to a ledger that can be opened", err)
	}
	if err := errors.Join(h.store.CheckKey(ctx), bp.furnish(h)); err != nil {
		h.stopTenant()
		return nil, errors.Join(err, h.store.Close())
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.end = cancel
	go func() {
		defer close(h.ended)
		if err := h.gate.Run(running); err != nil {
			bp.log.Error("recovery ended", "error", err)
		}
	}()
	return h, nil
}

// furnish makes desk and gate.
//
// This is where authority is handed out, by capability and not by convention. reader can only read, and
// goes to the desk. writer can write, and goes to the executor alone; the executor's two methods go to
// confirm.New alone, whose gate calls them with confirmed changes only. No face ever holds either.
func (bp blueprint) furnish(h *house) error {
	api, target, err := bp.defender(h)
	if err != nil {
		return err
	}
	api.HTTP = bp.metrics.client(true)
	reader, err := defender.New(api)
	if err != nil {
		return err
	}
	api.HTTP = bp.metrics.client(false)
	writer, err := defender.NewWriter(api)
	if err != nil {
		return err
	}
	// What the executor reads belongs to a write that a person waits for: it does not queue behind other reads.
	urgent, take := api, api.Budget
	urgent.Budget = func(ctx context.Context, _ bool) error { return take(ctx, true) }
	urgent.HTTP = bp.metrics.client(true)
	live, err := defender.New(urgent)
	if err != nil {
		return err
	}
	credentials, policy := bp.cfg.credentials(bp.env), bp.cfg.policy()
	executor := tools.NewExecutor(live, writer, credentials)
	h.gate = confirm.New(confirm.Config{
		Ledger: h.store, Policy: policy, Target: target, Log: bp.log, Moved: bp.moved,
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

// moved tells whoever follows the changes of this process.
func (bp blueprint) moved(c confirm.Change) {
	bp.metrics.moved(c)
	bp.log.Info("change", "id", c.ID, "operation", c.Operation, "state", c.State, "requester", c.Requester, "via", c.Via)
	if bp.bot != nil {
		bp.bot.Moved(c)
	}
}

// defender says how Defender is called, and the name of the tenant behind it. All calls of all processes on
// this ledger share one budget.
func (bp blueprint) defender(h *house) (cfg defender.Config, target string, err error) {
	budget := h.store.Budget(store.Limits{}, func(ctx context.Context, d time.Duration) {
		bp.metrics.waited(d)
		tools.Progress(ctx, fmt.Sprintf("waiting %d s for Defender's call budget", int(d.Round(time.Second).Seconds())))
	})
	cfg = defender.Config{
		Budget: budget.Take,
		Throttled: func(ctx context.Context, until time.Time) {
			if err := budget.Pause(ctx, until); err != nil {
				bp.log.WarnContext(ctx, "the other processes do not know that Defender asked to wait", "until", until, "error", err)
			}
		},
		UserAgent: "scanwarden/" + versionText(),
	}
	if target, err = bp.cfg.target(); err != nil {
		return cfg, "", err
	}
	if bp.cfg.Simulator {
		cfg.URL, cfg.Token, err = h.simulate()
		return cfg, target, err
	}
	to, err := bp.cfg.endpoints()
	if err != nil {
		return cfg, "", err
	}
	cfg.URL = to.URL
	cfg.Token, err = bp.cfg.signIn()
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

// door makes the MCP server in front of b.
func (bp blueprint) door(b *backend) (*mcpserver.Server, error) {
	return mcpserver.New(mcpserver.Config{
		Operations: bp.cfg.catalogue,
		Backend:    b.wait,
		Channels:   bp.cfg.channels(),
		Key: func() ([]byte, error) {
			ledger, err := bp.cfg.ledger(bp.env)
			if err != nil {
				return nil, err
			}
			return serverKey(ledger.KeyDir)
		},
		Version: versionText(),
		Log:     bp.log,
	})
}
