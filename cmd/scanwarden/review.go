package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm/store"
)

// newReviewCommand returns `scanwarden review`, in which the local user decides about changes.
func newReviewCommand(e environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "review [ID]", GroupID: groupInspect, Args: cobra.MaximumNArgs(1),
		Example: "scanwarden review\nscanwarden review C7D9FG\nscanwarden review --simulator",
		Short:   "Show what waits for you, and confirm or deny it, in this terminal.",
		Long: "Show the changes that wait for your decision, and confirm one by typing its code, or deny it. ID may be the beginning " +
			"or the end of an id. It works on the ledger of this user's servers, and the server that asked sends what you " +
			"confirm. It needs a terminal: a pipe is refused, so that nothing confirms by itself. Three wrong codes deny a change. " +
			"Ctrl-C records nothing and exits with 130.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runReview(e, givenSettings(cmd), strings.Join(args, ""))
		},
	}
	cmd.Flags().Bool("simulator", false, "Decide about changes of the built-in simulated tenant.")
	addSettingFlags(cmd, config.GroupPolicy, config.GroupLedger)
	return cmd
}

// errNoTerminal refuses a pipe, at whichever end.
var errNoTerminal = errors.New("review: a person types the code in a terminal, and here input or output is none; run it in a terminal, or list with `scanwarden changes --open`")

// runReview lets the local user decide about the changes that wait for them, or about the one with this id.
func runReview(e environment, flags config.Flags, id string) error {
	if !terminal.IsTerminal(e.stdin) || !terminal.IsTerminal(e.stdout) {
		return errNoTerminal
	}
	cfg, err := config.Load(e.env, flags)
	if err != nil {
		return err
	}
	err = withStore(e, flags, func(ledger *store.Store) error {
		gate, err := server.NewReviewGate(e.ctx, cfg, e.env, ledger)
		if err != nil {
			return fmt.Errorf("review: %w", err)
		}
		r := newReview(e, cfg, gate)
		if err = r.run(id); e.ctx.Err() != nil {
			return r.interruption()
		}
		return errors.Join(err, r.Err())
	})
	if id == "" && errors.Is(err, server.ErrNoStore) {
		p := newPrinter(e)
		p.Print(terminal.Wrap(terminal.Text("nothing waits for you: "+err.Error()), p.Width(), 0)...)
		return p.Err()
	}
	return err
}

// interruption returns what was recorded when the user pressed Ctrl-C.
func (r *review) interruption() error {
	if r.recorded != "" {
		return &interruptedError{"stopped: your decision about change " + r.recorded + " is recorded; see `scanwarden changes " + r.recorded + "`"}
	}
	return &interruptedError{"stopped: nothing was recorded"}
}
