package main

import (
	"errors"
	"fmt"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// runChangesSettle ends a change of unknown outcome as the operator has found it in Defender.
func runChangesSettle(e environment, flags config.Flags, options changesOptions) error {
	as := confirm.State(options.settle)
	switch {
	case options.id == "":
		return usageError{errors.New("changes --settle: name the change; `scanwarden changes --open` lists those of unknown outcome")}
	case as != confirm.Applied && as != confirm.Failed:
		return usageError{fmt.Errorf("changes --settle: say how you found it in Defender, applied or failed, not %q", options.settle)}
	}
	cfg, err := config.Load(e.env, flags)
	if err != nil {
		return err
	}
	return withStore(e, flags, func(ledger *store.Store) error {
		err := server.SettleChange(e.ctx, cfg, e.env, ledger, strings.ToUpper(options.id), as)
		if errors.Is(err, confirm.ErrNotFound) {
			return fmt.Errorf("there is no change %s in this ledger; `scanwarden changes` lists them", options.id)
		}
		if err == nil {
			_, err = fmt.Fprintf(e.stdout, "change %s is settled as %s\n", strings.ToUpper(options.id), as)
		}
		return err
	})
}
