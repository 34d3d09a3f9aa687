package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"scanwarden/confirm/store"
)

type auditCommand struct {
	Verify verifyCommand `cmd:"" help:"Replay the whole log; exit 1 and name the first bad entry when it was altered. Example: scanwarden audit verify"`
	Export exportCommand `cmd:"" help:"Print the log as JSON lines. Example: scanwarden audit export > audit.jsonl"`
}

type verifyCommand struct{ ledgerFlags }

// Run checks the log.
func (verifyCommand) Run(w environment, flags Flags) error {
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
func (exportCommand) Run(w environment, flags Flags) error {
	return withStore(w, flags, func(ledger *store.Store) error { return ledger.Export(w.ctx, w.stdout) })
}

// errNoStore says that there is nothing to look at, which is not the same as an empty ledger: somebody may
// have removed it.
var errNoStore = errors.New("there is no ledger")

// withStore opens the ledger that a server keeps, to look only: nothing is recovered and nothing runs.
func withStore(w environment, flags Flags, look func(*store.Store) error) error {
	cfg, err := Load(w.env, flags)
	if err != nil {
		return err
	}
	where, err := StoreConfig(cfg, w.env)
	if err != nil {
		return err
	}
	if path, ok := strings.CutPrefix(where.URL, "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w at %s yet: start `scanwarden stdio` or `scanwarden serve` first, or name another one with SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR", errNoStore, path)
		}
	}
	ledger, err := store.Open(w.ctx, where)
	if err != nil {
		return err
	}
	return errors.Join(look(ledger), ledger.Close())
}
