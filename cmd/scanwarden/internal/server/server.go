// Package server builds a server from its configuration: the ledger, the Gate, the Service, and the MCP and Slack
// interfaces in front of them. It serves MCP over stdio or HTTP until it is asked to stop.
//
// A Builder builds the components in the background (backend.go), in the order of their dependencies (server.go).
//
// The invariant: the only defender.Writer goes to tools.NewExecutor, the Executor's methods go to confirm.New, and to
// nothing else. See buildCore and enableWrites.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// Builder builds the components of one server from its configuration.
type Builder struct {
	cfg     *config.Config
	env     config.Environment
	log     *slog.Logger
	version string
	metrics *metrics
	bot     *slackbot.Bot // nil if Slack is not configured
	users   *userTokens   // tokens to call Defender on behalf of users; nil if it is not called on behalf of users

	pages pageAccess         // set before the components are built
	typed tools.TypedSecrets // what approvers have typed for executions by this process

	// OpenBrowser shows an address in the user's browser. Nil looks for one as the configuration says.
	OpenBrowser func(ctx context.Context, url string) error
	// PageUser is the user that Serve opens pages for on this machine, as a stdio server does; "" opens none.
	PageUser confirm.Principal

	// SignIn returns the sources of tokens. It returns the same ones each time and makes no call.
	SignIn func() (TokenSources, error)
	// OnBuilt is called when a server has built its components in the background, or has failed to; nil means nothing.
	OnBuilt func()
}

// NewBuilder returns a Builder for cfg. It calls nothing and reads nothing.
func NewBuilder(cfg *config.Config, env config.Environment, log *slog.Logger, version string) *Builder {
	b := &Builder{cfg: cfg, env: env, log: log, version: version}
	if cfg.Auth == config.OnBehalfOf {
		b.users = &userTokens{}
	}
	b.SignIn = sync.OnceValues(func() (TokenSources, error) {
		dir, err := cfg.StateDirPath(env) // created only when something is kept there
		if err != nil {
			return TokenSources{}, err
		}
		return newTokenSources(cfg, b.users, dir)
	})
	return b
}

// components are what a server consists of behind its interfaces.
type components struct {
	store        *store.Store
	gate         *confirm.Gate
	service      *tools.Service
	stopRecovery context.CancelFunc // ends what runs in background
	background   sync.WaitGroup     // recovery, and the check of Key Vault

	stopSimulator func() // ends the built-in simulator
	stopSignIn    func() // ends a sign-in that waits for its user
}

// build builds the components in the order of their dependencies, and starts recovery.
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
	if b.cfg.Simulator && b.cfg.DatabaseURL != "" {
		b.log.Info("the simulator has a ledger of its own; the configured database is not used")
	}
	ledger, err := prepareStore(b.cfg, b.env)
	if err != nil {
		return nil, err
	}
	ledger.OnPinError = func(err error) {
		b.log.Error("the head of the audit log is not recorded, so that a cut log would not be found", "error", err)
	}
	c := &components{stopSimulator: func() {}, stopSignIn: func() {}}
	if c.store, err = store.Open(ctx, ledger); err != nil {
		return nil, err
	}
	if err := errors.Join(cmp.Or(c.store.CheckKey(ctx), c.store.CheckHead(ctx)), b.buildCore(c)); err != nil {
		c.stopSimulator()
		c.stopSignIn()
		return nil, errors.Join(err, c.store.Close())
	}
	b.metrics.measureLedger(c.store.Size)
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.stopRecovery = cancel
	if !b.cfg.ReadOnly && !b.cfg.Simulator {
		c.background.Go(func() { b.checkVaultSecrets(running) })
	}
	if !b.cfg.ReadOnly { // a read-only server recovers nothing
		c.background.Go(func() {
			if err := c.gate.Run(running); err != nil {
				b.log.Error("recovery ended", "error", err)
			}
		})
	}
	return c, nil
}

// buildCore builds Service and Gate.
//
// This is where authority is handed out, by capability and not by convention. reader can only read, and goes to the
// Service. writer can write, and goes to the Executor only. The Executor's two methods go to confirm.New only. Its
// Gate calls them with confirmed changes only. No interface ever holds either.
func (b *Builder) buildCore(c *components) error {
	api, write, target, err := b.defenderConfig(c)
	if err != nil {
		return err
	}
	api.HTTP = b.metrics.newHTTPClient(true)
	reader, err := defender.New(api)
	if err != nil {
		return err
	}
	credentials, policy := b.Credentials(), b.cfg.ConfirmPolicy()
	key, err := b.serverKey()
	if err != nil {
		return fmt.Errorf("server key: %w", err)
	}
	gateConfig := confirm.Config{
		Store: c.store, Policy: policy, Target: target, Key: key, Log: b.log, Retention: b.cfg.RetentionPeriod(),
		OnTransition: b.onTransition, OnTampering: b.metrics.countTampering, ChannelProblem: b.channelProblem,
		ContextPage: b.pages.contextPage,
	}
	if b.bot != nil {
		gateConfig.Standing = b.bot.Standing
	}
	if err := b.enableWrites(&gateConfig, c, api, write); err != nil {
		return err
	}
	c.gate = confirm.New(gateConfig)
	c.service = tools.NewService(tools.Config{
		Reader: reader, Gate: c.gate, Credentials: credentials, Policy: policy, Target: target,
		PerCaller: b.cfg.Auth == config.OnBehalfOf,
	})
	return nil
}

// onTransition counts, logs and announces a transition that this process made.
func (b *Builder) onTransition(change confirm.Change) {
	b.typed.Forget(change)
	b.metrics.countTransition(change)
	b.log.Info("change", "id", change.ID, "operation", change.Operation, "state", change.State, "requester", change.Requester, "via", change.Source)
	if b.bot != nil {
		b.bot.OnTransition(change)
	}
}

// close waits until running executions end or ctx is done, and then closes the components. What has not ended by then
// is left to the recovery of the next start.
func (c *components) close(ctx context.Context) error {
	c.stopRecovery()
	c.background.Wait()
	err := c.gate.Drain(ctx)
	c.stopSignIn()
	c.stopSimulator()
	return errors.Join(err, c.store.Close())
}

// newMCPServer returns the MCP server in front of backend.
func (b *Builder) newMCPServer(backend *lazyBackend) (*mcpserver.Server, error) {
	return mcpserver.New(mcpserver.Config{
		Operations: b.cfg.Operations,
		Backend:    backend.get,
		Channels:   b.cfg.Channels(),
		ShowPage:   b.pages.show,
		PageURL:    b.pages.url,
		ReadOnly:   b.cfg.ReadOnly,
		Key:        b.serverKey,
		Version:    b.version,
		Log:        b.log,
		OnLimited:  b.metrics.countLimited,

		FallbackChannels: b.pages.fallback,
	})
}
