package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools/mcpserver"
)

// newTryCommand returns `scanwarden try`.
func newTryCommand(e environment) *cobra.Command {
	return &cobra.Command{
		Use: "try", GroupID: groupStart, Example: "scanwarden try", Args: cobra.NoArgs,
		Short: "Run a guided tour against a simulated tenant, in this terminal.",
		RunE:  func(*cobra.Command, []string) error { return runTry(e) },
	}
}

// runTry runs the real HTTP server, a real MCP client and a simulated tenant in this process, and the user at this
// terminal confirms. It ignores the configuration, keeps nothing and calls no other host.
func runTry(e environment) error {
	dir, err := os.MkdirTemp("", "scanwarden-try-*")
	if err != nil {
		return fmt.Errorf("try needs a temporary directory: %w; set TMPDIR to one that can be written", err)
	}
	defer os.RemoveAll(dir)
	tenant := defendertest.New(defendertest.Options{})
	defer tenant.Close()
	url, stop, err := server.ServeTenant(tenant)
	if err != nil {
		return err
	}
	defer stop()
	t := &walkthrough{printer: newPrinter(e), answers: readLines(e.ctx, e.stdin), echo: !config.IsTerminal(e.stdin), ctx: e.ctx, tenant: tenant}
	return withServer(e.ctx, tryConfig(dir, url), func(mcpURL, token string) error {
		session, err := mcpserver.Dial(e.ctx, mcpURL, token, t.ask)
		if err != nil {
			return err
		}
		return errors.Join(t.run(session), session.Close())
	})
}

// tryConfig returns the configuration of a server for one user with self-approval.
func tryConfig(dir, defenderURL string) *config.Config {
	return &config.Config{
		StateDir: dir,
		Defender: config.DefenderSettings{URL: defenderURL},
		Policy:   config.PolicySettings{Approvers: []string{"token:default"}, SelfApproval: true},
		People:   []config.PersonSettings{{Name: "you", Principals: []string{"token:default"}}},
		HTTP:     config.HTTPSettings{Listen: "127.0.0.1:0"},
	}
}

// withServer runs an HTTP server until use returns. use receives its URL and bearer token.
func withServer(ctx context.Context, cfg *config.Config, use func(url, token string) error) error {
	token := rand.Text()
	cfg.HTTP.Token = defender.NewSecret(token)
	b := server.NewBuilder(cfg, config.Environment{}, slog.New(slog.DiscardHandler), versionText())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listening, served := make(chan string, 1), make(chan error, 1)
	go func() { served <- b.Serve(ctx, func(url string) { listening <- url }) }()
	select {
	case err := <-served:
		return err
	case url := <-listening:
		err := use(url, token)
		stop()
		return errors.Join(err, <-served)
	}
}
