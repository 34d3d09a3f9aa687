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

// Builder is what a server is built from.
type Builder struct {
	cfg     *Config
	env     Environment
	log     *slog.Logger
	metrics *metrics
	bot     *slackbot.Bot // nil where Slack is not configured
	users *userTokens      // whose names Defender may be called in; nil where there are no such callers
	SignIn  func() (TokenSources, error)
}

// NewBuilder makes a blueprint of what cfg says; it makes no call and reads nothing.
func NewBuilder(cfg *Config, w environment) Builder {
	bp := Builder{cfg: cfg, env: w.env, log: cfg.Logger(w.stderr)}
	if cfg.Auth == OnBehalfOf {
		bp.users = &userTokens{}
	}
	bp.SignIn = sync.OnceValues(func() (TokenSources, error) {
		dir, err := cfg.StateDirPath(w.env) // made by who keeps something there
		if err != nil {
			return TokenSources{}, err
		}
		return cfg.newTokenSources(bp.users, dir)
	})
	return bp
}

// secretReader reads the secrets of our own configuration.
func (bp Builder) secretReader() secretReader {
	return secretReader{env: bp.env, vault: sync.OnceValues(func() (*keyvault.Client, error) {
		ids, err := bp.SignIn()
		if err != nil {
			return nil, err
		}
		return bp.cfg.newVaultClient(ids.vault)
	})}
}

// components is the rooms behind a door.
type components struct {
	store *store.Store
	gate  *confirm.Gate
	service  *tools.Service
	stopRecovery   context.CancelFunc // ends the work
	background  sync.WaitGroup     // recovery, and the look into the vaults

	stopSimulator func() // of the built-in simulator
	stopSignIn    func() // ends a sign-in that waits for its person
}

// build builds the rooms in the order in which they depend on each other, and starts recovery.
func (bp Builder) build(ctx context.Context) (*components, error) {
	if !bp.cfg.ReadOnly && !bp.cfg.Simulator {
		if err := bp.checkLocalSecrets(ctx); err != nil {
			return nil, err
		}
	}
	for _, f := range bp.cfg.PolicyFindings() {
		if f.Status == StatusProblem {
			bp.log.Warn("policy: "+f.Says, "do", f.Next)
		}
	}
	bp.warnMissingTokenFiles()
	ledger, err := bp.cfg.storeConfig(bp.env)
	if err != nil {
		return nil, err
	}
	h := &components{stopSimulator: func() {}, stopSignIn: func() {}}
	if h.store, err = store.Open(ctx, ledger); err != nil {
		return nil, err
	}
	if err := errors.Join(h.store.CheckKey(ctx), bp.buildCore(h)); err != nil {
		h.stopSimulator()
		h.stopSignIn()
		return nil, errors.Join(err, h.store.Close())
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.stopRecovery = cancel
	if !bp.cfg.ReadOnly && !bp.cfg.Simulator {
		h.background.Go(func() { bp.checkVaultSecrets(running) })
	}
	if !bp.cfg.ReadOnly { // what others left behind is theirs to recover
		h.background.Go(func() {
			if err := h.gate.Run(running); err != nil {
				bp.log.Error("recovery ended", "error", err)
			}
		})
	}
	return h, nil
}

// buildCore makes desk and gate.
//
// This is where authority is handed out, by capability and not by convention. reader can only read, and
// goes to the desk. writer can write, and goes to the executor alone; the executor's two methods go to
// confirm.New alone, whose gate calls them with confirmed changes only. No face ever holds either.
func (bp Builder) buildCore(h *components) error {
	api, write, target, err := bp.defenderConfig(h)
	if err != nil {
		return err
	}
	api.HTTP = bp.metrics.newHTTPClient(true)
	reader, err := defender.New(api)
	if err != nil {
		return err
	}
	credentials, policy := bp.cfg.NamedCredentials(bp.secretReader()), bp.cfg.ConfirmPolicy()
	lock := confirm.Config{Store: h.store, Policy: policy, Target: target, Log: bp.log, OnTransition: bp.onTransition}
	if err := bp.enableWrites(&lock, h, api, write); err != nil {
		return err
	}
	h.gate = confirm.New(lock)
	h.service = tools.NewService(tools.Config{
		Reader: reader, Gate: h.gate, Credentials: credentials, Policy: policy, Target: target,
		PerCaller: bp.cfg.Auth == OnBehalfOf,
	})
	return nil
}

// enableWrites gives the gate what carries changes out. In read-only mode that is nothing: no writer is made, and the gate
// neither executes nor recovers.
func (bp Builder) enableWrites(lock *confirm.Config, h *components, api defender.Config, write TokenSource) error {
	if bp.cfg.ReadOnly {
		return nil
	}
	// What the executor reads belongs to a write that a person waits for: it does not queue behind other reads.
	urgent, take := api, api.RateLimit
	urgent.RateLimit = func(ctx context.Context, _ bool) error { return take(ctx, true) }
	urgent.HTTP = bp.metrics.newHTTPClient(true)
	live, err := defender.New(urgent)
	if err != nil {
		return err
	}
	api.HTTP, api.Token = bp.metrics.newHTTPClient(false), write
	writer, err := defender.NewWriter(api)
	if err != nil {
		return err
	}
	executor := tools.NewExecutor(live, writer, bp.cfg.NamedCredentials(bp.secretReader()))
	lock.Execute = func(ctx context.Context, c confirm.Change, still func(context.Context) error) confirm.Outcome {
		defer h.service.InvalidateCache() // the next plan is made against what this one leaves
		return executor.Execute(ctx, c, still)
	}
	lock.Reconcile = executor.Reconcile
	if bp.users != nil {
		lock.CanExecute = bp.canExecute
	}
	return nil
}

// canExecute says nil when what somebody asks for could be sent in their name: their sign-in is held here.
func (bp Builder) canExecute(_ context.Context, c confirm.Change) error {
	if c.Agent {
		return errAgentHasNoToken
	}
	_, err := bp.users.get(c.Requester)
	return err
}

// onTransition tells whoever follows the changes of this process.
func (bp Builder) onTransition(c confirm.Change) {
	bp.metrics.countTransition(c)
	bp.log.Info("change", "id", c.ID, "operation", c.Operation, "state", c.State, "requester", c.Requester, "via", c.Source)
	if bp.bot != nil {
		bp.bot.OnTransition(c)
	}
}

// defenderConfig says how Defender is called, with which token it is written to, and the name of the tenant behind it.
// All calls of all processes on this ledger share one budget.
func (bp Builder) defenderConfig(h *components) (cfg defender.Config, write TokenSource, target string, err error) {
	budget := h.store.RateLimiter(store.Limits{}, func(ctx context.Context, d time.Duration) {
		bp.metrics.observeWait(d)
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
	if target, err = bp.cfg.TargetName(); err != nil {
		return cfg, nil, "", err
	}
	if bp.cfg.Simulator {
		cfg.URL, cfg.Token, err = h.startSimulator()
		return cfg, cfg.Token, target, err
	}
	to, err := bp.cfg.Endpoints()
	if err != nil {
		return cfg, nil, "", err
	}
	cfg.URL = to.URL
	ids, err := bp.SignIn()
	if err != nil {
		return cfg, nil, "", err
	}
	h.stopSignIn = ids.Close
	cfg.Token = ids.Read
	return cfg, ids.Write, target, nil
}

// startSimulator serves the built-in tenant, behind a token of its own: the client talks real HTTP to it.
func (h *components) startSimulator() (url string, token TokenSource, err error) {
	secret := rand.Text()
	tenant := defendertest.New(defendertest.Options{Token: secret})
	url, h.stopSimulator, err = ServeTenant(tenant)
	return url, staticToken(secret), err
}

// close lets what is being executed end, until ctx is done, and then shuts the rooms. What is not over by
// then is left to the next start's recovery.
func (h *components) close(ctx context.Context) error {
	h.stopRecovery()
	h.background.Wait()
	err := h.gate.Drain(ctx)
	h.stopSignIn()
	h.stopSimulator()
	return errors.Join(err, h.store.Close())
}

// newMCPServer makes the MCP server in front of b.
func (bp Builder) newMCPServer(b *lazyBackend) (*mcpserver.Server, error) {
	return mcpserver.New(mcpserver.Config{
		Operations: bp.cfg.catalogue,
		Backend:    b.get,
		Channels:   bp.cfg.Channels(),
		ReadOnly:   bp.cfg.ReadOnly,
		Key:        bp.serverKey,
		Version:    versionText(),
		Log:        bp.log,
	})
}
