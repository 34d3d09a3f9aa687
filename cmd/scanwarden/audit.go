package main

import (
	"fmt"
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm/store"
)

type auditCommand struct {
	Verify verifyCommand `cmd:"" help:"Replay the whole log; exit 1 and name the first bad entry when it was altered. Example: scanwarden audit verify"`
	Export exportCommand `cmd:"" help:"Print the log as JSON lines. Example: scanwarden audit export > audit.jsonl"`
}

type verifyCommand struct{ ledgerFlags }

// Run checks the log.
func (verifyCommand) Run(w environment, flags config.Flags) error {
	return withStore(w, flags, func(ledger *store.Store) error {
		head, err := ledger.Verify(w.ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.stdout, "the audit log holds: entries %d, tree hash %s, verifier key %s\n", head.Entries, head.Hash, head.Key)
		return err
	})
}

type exportCommand struct{ ledgerFlags }

// Run prints the log.
func (exportCommand) Run(w environment, flags config.Flags) error {
	return withStore(w, flags, func(ledger *store.Store) error { return ledger.Export(w.ctx, w.stdout) })
}
