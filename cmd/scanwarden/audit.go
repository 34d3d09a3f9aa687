package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm/store"
)

// newAuditCommand returns `scanwarden audit` with its commands.
func newAuditCommand(e environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", GroupID: groupInspect, Example: "scanwarden audit verify",
		Short: "Check or print the tamper-evident log.", RunE: chooseSubcommand,
	}
	var since string
	verify := &cobra.Command{
		Use: "verify", Example: "scanwarden audit verify", Args: cobra.NoArgs,
		Short: "Replay the whole log; exit 1 and name the first bad entry if it was altered.",
		RunE:  func(cmd *cobra.Command, _ []string) error { return runAuditVerify(e, givenSettings(cmd), since) },
	}
	verify.Flags().StringVar(&since, "since", "", "`FILE` Prove also that the log has only grown since this checkpoint.")
	addLedgerFlags(verify)
	cmd.AddCommand(verify, newAuditExportCommand(e), newCheckpointCommand(e), newAuditKeyCommand(e), newReceiptCommand(e), newVerifyReceiptCommand(e))
	return cmd
}

// runAuditVerify replays the log and prints its length, tree hash and key. Where server.key is there, it also checks the
// open changes and the account links, and prints each that does not verify. since is the file of an earlier checkpoint, or "".
func runAuditVerify(e environment, flags config.Flags, since string) error {
	cfg, err := config.Load(e.env, flags)
	if err != nil {
		return err
	}
	var earlier []byte
	if since != "" {
		if earlier, err = readEvidence(since, maxCheckpoint); err != nil {
			return err
		}
	}
	return withStore(e, flags, func(ledger *store.Store) error {
		head, err := ledger.Verify(e.ctx)
		if err == nil {
			fmt.Fprintf(e.stdout, "the audit log holds: entries %d, tree hash %s, verifier key %s\n", head.Entries, head.Hash, head.Key)
			if since != "" {
				err = printGrowth(e, ledger, string(earlier))
			}
		}
		return errors.Join(err, checkRecords(e, cfg, ledger))
	})
}

// checkRecords returns an error for each record that does not verify under server.key, and nil without that file.
func checkRecords(e environment, cfg *config.Config, ledger *store.Store) error {
	found, err := server.InspectStore(e.ctx, cfg, e.env, ledger)
	if errors.Is(err, server.ErrNoKey) {
		return nil
	}
	all := []error{err}
	for _, t := range found {
		all = append(all, fmt.Errorf("%s %q: %s", t.Kind, t.Change+string(t.Link), t.Reason))
	}
	return errors.Join(all...)
}
