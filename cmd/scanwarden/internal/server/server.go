package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/slackbot"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
)

// Builder is what a server is built from.
type Builder struct {
	cfg     *config.Config
	env     config.Environment
	log     *slog.Logger
	version string
	metrics *metrics
	bot     *slackbot.Bot // nil where Slack is not configured
	users   *userTokens   // whose names Defender may be called in; nil where there are no such callers
	SignIn  func() (TokenSources, error)
}

// NewBuilder makes a blueprint of what cfg says; it makes no call and reads nothing.
func NewBuilder(cfg *config.Config, env config.Environment, log *slog.Logger, version string) *Builder {
	b := &Builder{cfg: cfg, env: env, log: log, version: version}
	if cfg.Auth == config.OnBehalfOf {
		b.users = &userTokens{}
	}
	b.SignIn = sync.OnceValues(func() (TokenSources, error) {
		dir, err := cfg.StateDirPath(env) // made by who keeps something there
		if err != nil {
			return TokenSources{}, err
		}
		return newTokenSources(cfg, b.users, dir)
	})
	return b
}

// components is the rooms behind a door.
type components struct {
	store        *store.Store
	gate         *confirm.Gate
	service      *tools.Service
	stopRecovery context.CancelFunc // ends the work
	background   sync.WaitGroup     // recovery, and the look into the vaults

	stopSimulator func() // of the built-in simulator
	stopSignIn    func() // ends a sign-in that waits for its person
}

// build builds the rooms in the order in which they depend on each other, and starts recovery.
func (b *Builder) build(ctx context.Context) (*components, error) {
	if !b.cfg.ReadOnly && !b.cfg.Simulator {
		if err := b.checkLocalSecrets(ctx); err != nil {
			return nil, err
		}
	}
	for _, f := range b.cfg.PolicyFindings() {
		if f.Status == config.StatusProblem {
			b.log.Warn("policy: "+f.Says, "do", f.Next)
		}
	}
	b.warnMissingTokenFiles()
	ledger, err := prepareStore(b.cfg, b.env)
	if err != nil {
		return nil, err
	}
	h := &components{stopSimulator: func() {}, stopSignIn: func() {}}
	if h.store, err = store.Open(ctx, ledger); err != nil {
		return nil, err
	}
	if err := errors.Join(h.store.CheckKey(ctx), b.buildCore(h)); err != nil {
		h.stopSimulator()
		h.stopSignIn()
		return nil, errors.Join(err, h.store.Close())
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.stopRecovery = cancel
	if !b.cfg.ReadOnly && !b.cfg.Simulator {
		h.background.Go(func() { b.checkVaultSecrets(running) })
	}
	if !b.cfg.ReadOnly { // what others left behind is theirs to recover
		h.background.Go(func() {
			if err := h.gate.Run(running); err != nil {
				b.log.Error("recovery ended", "error", err)
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
func (b *Builder) buildCore(h *components) error {
	api, write, target, err := b.defenderConfig(h)
	if err != nil {
		return err
	}
	api.HTTP = b.metrics.newHTTPClient(true)
	reader, err := defender.New(api)
	if err != nil {
		return err
	}
	credentials, policy := b.Credentials(), b.cfg.ConfirmPolicy()
	lock := confirm.Config{Store: h.store, Policy: policy, Target: target, Log: b.log, OnTransition: b.onTransition}
	if err := b.enableWrites(&lock, h, api, write); err != nil {
		return err
	}
	h.gate = confirm.New(lock)
	h.service = tools.NewService(tools.Config{
		Reader: reader, Gate: h.gate, Credentials: credentials, Policy: policy, Target: target,
		PerCaller: b.cfg.Auth == config.OnBehalfOf,
	})
	return nil
}

// onTransition tells whoever follows the changes of this process.
func (b *Builder) onTransition(c confirm.Change) {
	b.metrics.countTransition(c)
	b.log.Info("change", "id", c.ID, "operation", c.Operation, "state", c.State, "requester", c.Requester, "via", c.Source)
	if b.bot != nil {
		b.bot.OnTransition(c)
	}
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
func (b *Builder) newMCPServer(backend *lazyBackend) (*mcpserver.Server, error) {
	return mcpserver.New(mcpserver.Config{
		Operations: b.cfg.Operations,
		Backend:    backend.get,
		Channels:   b.cfg.Channels(),
		ReadOnly:   b.cfg.ReadOnly,
		Key:        b.serverKey,
		Version:    b.version,
		Log:        b.log,
	})
}
