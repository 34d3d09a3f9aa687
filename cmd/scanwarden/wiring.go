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
	"scanwarden/defender/keyvault"
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
	callers *callers      // whose names Defender may be called in; nil where there are no such callers
	signIn  func() (identities, error)
}

// draw makes a blueprint of what cfg says; it makes no call and reads nothing.
func draw(cfg *config, w world) blueprint {
	bp := blueprint{cfg: cfg, env: w.environment, log: cfg.logger(w.errs)}
	if cfg.Auth == onBehalfOf {
		bp.callers = &callers{}
	}
	bp.signIn = sync.OnceValues(func() (identities, error) {
		dir, err := cfg.stateDirName(w.environment) // made by who keeps something there
		if err != nil {
			return identities{}, err
		}
		return cfg.signIn(bp.callers, dir)
	})
	return bp
}

// source reads the secrets of our own configuration.
func (bp blueprint) source() source {
	return source{env: bp.env, vault: sync.OnceValues(func() (*keyvault.Client, error) {
		ids, err := bp.signIn()
		if err != nil {
			return nil, err
		}
		return bp.cfg.vaults(ids.vault)
	})}
}

// house is the rooms behind a door.
type house struct {
	store *store.Store
	gate  *confirm.Gate
	desk  *tools.Service
	end   context.CancelFunc // ends the work
	work  sync.WaitGroup     // recovery, and the look into the vaults

	stopTenant func() // of the built-in simulator
	signOut    func() // ends a sign-in that waits for its person
}

// open builds the rooms in the order in which they depend on each other, and starts recovery.
func (bp blueprint) open(ctx context.Context) (*house, error) {
	if !bp.cfg.ReadOnly && !bp.cfg.Simulator {
		if err := bp.checkSecrets(ctx); err != nil {
			return nil, err
		}
	}
	for _, f := range bp.cfg.policyFindings() {
		if f.Status == wrong {
			bp.log.Warn("policy: "+f.Says, "do", f.Next)
		}
	}
	bp.warnOfTokenFiles()
	ledger, err := bp.cfg.ledger(bp.env)
	if err != nil {
		return nil, err
	}
	h := &house{stopTenant: func() {}, signOut: func() {}}
	if h.store, err = store.Open(ctx, ledger); err != nil {
		return nil, err
	}
	if err := errors.Join(h.store.CheckKey(ctx), bp.furnish(h)); err != nil {
		h.stopTenant()
		h.signOut()
		return nil, errors.Join(err, h.store.Close())
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.end = cancel
	if !bp.cfg.ReadOnly && !bp.cfg.Simulator {
		h.work.Go(func() { bp.checkVaults(running) })
	}
	if !bp.cfg.ReadOnly { // what others left behind is theirs to recover
		h.work.Go(func() {
			if err := h.gate.Run(running); err != nil {
				bp.log.Error("recovery ended", "error", err)
			}
		})
	}
	return h, nil
}

// furnish makes desk and gate.
//
// This is where authority is handed out, by capability and not by convention. reader can only read, and
// goes to the desk. writer can write, and goes to the executor alone; the executor's two methods go to
// confirm.New alone, whose gate calls them with confirmed changes only. No face ever holds either.
func (bp blueprint) furnish(h *house) error {
	api, write, target, err := bp.defender(h)
	if err != nil {
		return err
	}
	api.HTTP = bp.metrics.client(true)
	reader, err := defender.New(api)
	if err != nil {
		return err
	}
	credentials, policy := bp.cfg.credentials(bp.source()), bp.cfg.policy()
	lock := confirm.Config{Store: h.store, Policy: policy, Target: target, Log: bp.log, OnTransition: bp.moved}
	if err := bp.arm(&lock, h, api, write); err != nil {
		return err
	}
	h.gate = confirm.New(lock)
	h.desk = tools.NewService(tools.Config{
		Reader: reader, Gate: h.gate, Credentials: credentials, Policy: policy, Target: target,
		PerCaller: bp.cfg.Auth == onBehalfOf,
	})
	return nil
}

// arm gives the gate what carries changes out. In read-only mode that is nothing: no writer is made, and the gate
// neither executes nor recovers.
func (bp blueprint) arm(lock *confirm.Config, h *house, api defender.Config, write tokenSource) error {
	if bp.cfg.ReadOnly {
		return nil
	}
	// What the executor reads belongs to a write that a person waits for: it does not queue behind other reads.
	urgent, take := api, api.RateLimit
	urgent.RateLimit = func(ctx context.Context, _ bool) error { return take(ctx, true) }
	urgent.HTTP = bp.metrics.client(true)
	live, err := defender.New(urgent)
	if err != nil {
		return err
	}
	api.HTTP, api.Token = bp.metrics.client(false), write
	writer, err := defender.NewWriter(api)
	if err != nil {
		return err
	}
	executor := tools.NewExecutor(live, writer, bp.cfg.credentials(bp.source()))
	lock.Execute = func(ctx context.Context, c confirm.Change, still confirm.BeforeSend) confirm.Outcome {
		defer h.desk.InvalidateCache() // the next plan is made against what this one leaves
		return executor.Execute(ctx, c, still)
	}
	lock.Reconcile = executor.Reconcile
	if bp.callers != nil {
		lock.CanExecute = bp.able
	}
	return nil
}

// able says nil when what somebody asks for could be sent in their name: their sign-in is held here.
func (bp blueprint) able(_ context.Context, c confirm.Change) error {
	if c.Agent {
		return errAgent
	}
	_, err := bp.callers.assertion(c.Requester)
	return err
}

// moved tells whoever follows the changes of this process.
func (bp blueprint) moved(c confirm.Change) {
	bp.metrics.moved(c)
	bp.log.Info("change", "id", c.ID, "operation", c.Operation, "state", c.State, "requester", c.Requester, "via", c.Source)
	if bp.bot != nil {
		bp.bot.OnTransition(c)
	}
}

// defender says how Defender is called, with which token it is written to, and the name of the tenant behind it.
// All calls of all processes on this ledger share one budget.
func (bp blueprint) defender(h *house) (cfg defender.Config, write tokenSource, target string, err error) {
	budget := h.store.RateLimiter(store.Limits{}, func(ctx context.Context, d time.Duration) {
		bp.metrics.waited(d)
		tools.Progress(ctx, fmt.Sprintf("waiting %d s for Defender's call budget", int(d.Round(time.Second).Seconds())))
	})
	cfg = defender.Config{
		RateLimit: budget.Wait,
		OnThrottled: func(ctx context.Context, until time.Time) {
			if err := budget.PauseUntil(ctx, until); err != nil {
				bp.log.WarnContext(ctx, "the other processes do not know that Defender asked to wait", "until", until, "error", err)
			}
		},
		UserAgent: "scanwarden/" + versionText(),
	}
	if target, err = bp.cfg.target(); err != nil {
		return cfg, nil, "", err
	}
	if bp.cfg.Simulator {
		cfg.URL, cfg.Token, err = h.simulate()
		return cfg, cfg.Token, target, err
	}
	to, err := bp.cfg.endpoints()
	if err != nil {
		return cfg, nil, "", err
	}
	cfg.URL = to.URL
	ids, err := bp.signIn()
	if err != nil {
		return cfg, nil, "", err
	}
	h.signOut = ids.close
	cfg.Token = ids.read
	return cfg, ids.write, target, nil
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
	h.work.Wait()
	err := h.gate.Drain(ctx)
	h.signOut()
	h.stopTenant()
	return errors.Join(err, h.store.Close())
}

// door makes the MCP server in front of b.
func (bp blueprint) door(b *backend) (*mcpserver.Server, error) {
	return mcpserver.New(mcpserver.Config{
		Operations: bp.cfg.catalogue,
		Backend:    b.wait,
		Channels:   bp.cfg.channels(),
		ReadOnly:   bp.cfg.ReadOnly,
		Key:        bp.serverKey,
		Version:    versionText(),
		Log:        bp.log,
	})
}
