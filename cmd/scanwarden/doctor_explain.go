package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

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
	_, err = io.WriteString(w.out, explained(c, verdict, cfg.told()))
	return err
}

// explained is the verdict for people; source says whose policy it is by.
func explained(c confirm.Change, v confirm.Verdict, source string) string {
	var page strings.Builder
	fmt.Fprintf(&page, "Change %s: %s, asked for by %s; it is %s\n", c.ID, c.Summary, c.Requester, status(c, time.Now()))
	fmt.Fprintf(&page, "By the policy %s:\n", source)
	for _, r := range v.Rules {
		holds := "does not hold"
		if r.Holds {
			holds = "holds: " + r.Says
		}
		fmt.Fprintf(&page, "  rule %q %s\n", r.Rule, holds)
	}
	if v.Refused != "" {
		fmt.Fprintf(&page, "Refused: %s\n", v.Refused)
		return page.String()
	}
	people := "people"
	if v.Needed == 1 {
		people = "person"
	}
	fmt.Fprintf(&page, "Needs %d %s: %s\n", v.Needed, people, strings.TrimPrefix(v.Because, "policy: "))
	fmt.Fprintf(&page, "May confirm: %s\n", strings.Join(v.Who, ", "))
	if len(v.Who) == 0 {
		fmt.Fprintln(&page, "Nobody may confirm it: list approvers in policy.approvers (SCANWARDEN_APPROVERS).")
	}
	return page.String()
}
