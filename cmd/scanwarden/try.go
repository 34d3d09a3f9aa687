package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools/mcpserver"
)

type tryCommand struct{}

// Run is one guided run: the real HTTP server, a real MCP client and a simulated tenant in this process, and
// the person at this terminal to confirm. It ignores the configuration, keeps nothing and calls nobody.
func (tryCommand) Run(w world, _ flagValues) error {
	dir, err := os.MkdirTemp("", "scanwarden-try-*")
	if err != nil {
		return fmt.Errorf("try needs a temporary directory: %w; set TMPDIR to one that can be written", err)
	}
	defer os.RemoveAll(dir)
	tenant := defendertest.New(defendertest.Options{})
	defer tenant.Close()
	url, stop, err := serveTenant(tenant)
	if err != nil {
		return err
	}
	defer stop()
	t := &tour{paper: newPaper(w), answers: lines(w.ctx, w.in), echo: !isTerminal(w.in), ctx: w.ctx, tenant: tenant}
	return withServer(w.ctx, tryConfig(dir, url), func(mcpURL, token string) error {
		session, err := mcpserver.Dial(w.ctx, mcpURL, token, t.ask)
		if err != nil {
			return err
		}
		return errors.Join(t.walk(session), session.Close())
	})
}

// tryConfig is a server for one person, who may confirm their own changes.
func tryConfig(dir, defenderURL string) *config {
	return &config{
		StateDir: dir,
		Defender: defenderConfig{URL: defenderURL},
		Policy:   policyConfig{Approvers: []string{"token:default"}, SelfApproval: true},
		People:   []personConfig{{Name: "you", Principals: []string{"token:default"}}},
		HTTP:     httpConfig{Listen: "127.0.0.1:0"},
	}
}

// withServer runs the HTTP server while use lasts.
func withServer(ctx context.Context, cfg *config, use func(url, token string) error) error {
	token := rand.Text()
	cfg.HTTP.Token = defender.NewSecret(token)
	bp := draw(cfg, world{environment: environment{}, errs: io.Discard})
	bp.metrics = newMetrics()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listening, served := make(chan string, 1), make(chan error, 1)
	go func() { served <- bp.serve(ctx, func(url string) { listening <- url }) }()
	select {
	case err := <-served:
		return err
	case url := <-listening:
		err := use(url, token)
		stop()
		return errors.Join(err, <-served)
	}
}
