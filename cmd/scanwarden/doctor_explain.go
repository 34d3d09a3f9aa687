package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// explain says what the policy of this configuration makes of one change of the ledger.
func (d doctorCommand) explain(w world, flags flagValues) error {
	cfg, err := load(w.environment, flags)
	if err != nil {
		return err
	}
	var c confirm.Change
	var links []confirm.Link
	err = withLedger(w, flags, func(ledger *store.Store) (err error) {
		if c, err = ledger.Change(w.ctx, d.Explain); errors.Is(err, confirm.ErrNotFound) {
			return fmt.Errorf("there is no change %s in this ledger; `scanwarden changes` lists them", d.Explain)
		} else if err != nil {
			return err
		}
		links, err = ledger.Links(w.ctx)
		return err
	})
	if err != nil {
		return err
	}
	verdict := cfg.policy().Explain(c, links...)
	if d.JSON {
		encoder := json.NewEncoder(w.out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(verdict)
	}
	_, err = io.WriteString(w.out, explained(c, verdict))
	return err
}

func explained(c confirm.Change, v confirm.Verdict) string {
	var page strings.Builder
	fmt.Fprintf(&page, "Change %s: %s, asked for by %s\n", c.ID, c.Summary, c.Requester)
	for _, r := range v.Rules {
		holds := "does not hold"
		if r.Holds {
			holds = "holds"
		}
		fmt.Fprintf(&page, "  rule %q %s: %s\n", r.Rule, holds, r.Says)
	}
	if v.Refused != "" {
		fmt.Fprintf(&page, "Refused: %s\n", v.Refused)
		return page.String()
	}
	fmt.Fprintf(&page, "Needs %d people: %s\n", v.Needed, v.Because)
	fmt.Fprintf(&page, "May confirm: %s\n", strings.Join(v.Who, ", "))
	if len(v.Who) == 0 {
		fmt.Fprintln(&page, "Nobody may confirm it: list approvers in policy.approvers (SCANWARDEN_APPROVERS).")
	}
	return page.String()
}
