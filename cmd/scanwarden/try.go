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
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools/mcpserver"
)

// newTryCommand returns `scanwarden try`.
func newTryCommand(e environment) *cobra.Command {
	var onPage bool
	cmd := &cobra.Command{
		Use: "try", GroupID: groupStart, Example: "scanwarden try\nscanwarden try --page", Args: cobra.NoArgs,
		Short: "Take a guided tour against a simulated tenant, in this terminal.",
		Long: "Take a guided tour against a simulated tenant, in this terminal. A real MCP client plays the assistant and proposes " +
			"an add, an update and a delete. You confirm each with its code. Then someone else edits a scan while you decide, and " +
			"the assistant tries to confirm by itself. It needs no account, calls no other machine and keeps nothing. Without a " +
			"terminal it reads lines with y or n; the end of input means no. With --page you confirm on a page in your browser.",
		RunE: func(*cobra.Command, []string) error { return runTry(e, onPage) },
	}
	cmd.Flags().BoolVar(&onPage, "page", false, "Confirm on a page in your browser instead of typing codes.")
	return cmd
}

// runTry runs the real HTTP server, a real MCP client and a simulated tenant in this process, and the user at this
// terminal confirms. It ignores the configuration, keeps nothing and calls no other host. It returns an
// *interruptedError if the user ended it with Ctrl-C.
func runTry(e environment, onPage bool) error {
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
	cfg := tryConfig(dir, url)
	t := newWalkthrough(e, tenant, func(code string) (confirm.Change, error) { return findOpenChange(e.ctx, cfg, code) })
	alter := func(*server.Builder) {}
	if onPage {
		if alter, err = t.confirmOnPage(e, cfg); err != nil {
			return err
		}
	}
	err = withServer(e.ctx, cfg, alter, func(mcpURL, token string) error {
		t.dial = func(ask mcpserver.Elicitor) (*mcpserver.Client, error) {
			return mcpserver.Dial(e.ctx, mcpURL, token, ask)
		}
		session, err := t.dial(t.ask)
		if err != nil {
			return err
		}
		return errors.Join(t.run(session), session.Close())
	})
	if e.ctx.Err() != nil {
		return t.interruption()
	}
	return errors.Join(err, t.Err())
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

// withServer runs an HTTP server, as alter has changed it, until use returns. use receives its URL and bearer token.
func withServer(ctx context.Context, cfg *config.Config, alter func(*server.Builder), use func(url, token string) error) error {
	token := rand.Text()
	cfg.HTTP.Token = defender.NewSecret(token)
	b := server.NewBuilder(cfg, config.Environment{}, slog.New(slog.DiscardHandler), versionText())
	alter(b)
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

// findOpenChange returns the open change with this code from the ledger of the tour.
func findOpenChange(ctx context.Context, cfg *config.Config, code string) (found confirm.Change, err error) {
	ledger, err := server.OpenStore(ctx, cfg, config.Environment{})
	if err != nil {
		return found, err
	}
	defer func(ledger *store.Store) { err = errors.Join(err, ledger.Close()) }(ledger)
	open, err := ledger.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}})
	if err != nil {
		return found, err
	}
	for _, c := range open {
		if c.Code == code {
			return c, nil
		}
	}
	return found, fmt.Errorf("no open change has the code of the prompt: %w", confirm.ErrNotFound)
}
