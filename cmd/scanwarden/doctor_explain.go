package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// runExplain prints what the configured policy decides about one change of the ledger.
func runExplain(e environment, flags config.Flags, options doctorOptions) error {
	cfg, err := config.Load(e.env, flags)
	if err != nil {
		return err
	}
	var c confirm.Change
	var links []confirm.Link
	err = withStore(e, flags, func(ledger *store.Store) error {
		ids, err := ledger.ChangeIDs(e.ctx)
		if err != nil {
			return err
		}
		if c, err = findChange(e.ctx, ledger, ids, options.explain); err != nil {
			return err
		}
		if key, err := server.ExistingKey(cfg, e.env); err == nil {
			c = confirm.Withhold(key, []confirm.Change{c})[0]
		}
		links, err = ledger.Links(e.ctx)
		return err
	})
	if err != nil {
		return err
	}
	found := newExplanation(c, cfg, links)
	if options.json {
		return writeJSON(e.stdout, found)
	}
	_, err = io.WriteString(e.stdout, terminal.SanitizeLines(found.text()))
	return err
}

// explanation holds the decisions about a change, and how the current policy would treat it.
type explanation struct {
	Change    string   `json:"change"`
	Summary   string   `json:"summary"`
	Requester string   `json:"requester"`
	Status    string   `json:"status"`
	Decisions []string `json:"decisions"` // one sentence each; never nil
	Policy    string   `json:"policy"`    // where it comes from
	confirm.Explanation
	over bool // the change is no longer pending
}

// newExplanation returns the explanation of a change.
func newExplanation(c confirm.Change, cfg *config.Config, links []confirm.Link) explanation {
	e := explanation{
		Change: c.ID, Summary: c.Summary, Requester: string(c.Requester), Status: statusText(c, time.Now()), Policy: cfg.DescribeSources(),
		Decisions: []string{}, Explanation: cfg.ConfirmPolicy().Explain(c, links...),
	}
	for _, decision := range c.Decisions {
		e.Decisions = append(e.Decisions, decisionText(decision))
	}
	e.over = c.State != confirm.Pending || e.Status == string(confirm.Expired)
	return e
}

// text returns the explanation for people.
func (e explanation) text() string {
	var page strings.Builder
	fmt.Fprintf(&page, "Change %s: %s, asked for by %s; it is %s\n", e.Change, e.Summary, e.Requester, e.Status)
	for _, decision := range e.Decisions {
		fmt.Fprintln(&page, decision)
	}
	if e.over {
		fmt.Fprintln(&page, "It is no longer pending. The current policy would treat a change like it so:")
	}
	fmt.Fprintf(&page, "By the policy %s:\n", e.Policy)
	for _, r := range e.Rules {
		says := r.Detail
		if r.Holds {
			says = "holds: " + r.Detail
		}
		fmt.Fprintf(&page, "  rule %q %s\n", r.Rule, says)
	}
	if e.Refused != "" {
		fmt.Fprintf(&page, "Refused: %s\n", e.Refused)
		return page.String()
	}
	fmt.Fprintf(&page, "Needs %s: %s\n", config.CountPeople(e.Needed), strings.TrimPrefix(e.Because, "policy: "))
	if len(e.Approvers) == 0 {
		fmt.Fprintln(&page, "No approver is listed: list approvers in policy.approvers (SCANWARDEN_APPROVERS).")
	} else {
		fmt.Fprintf(&page, "May confirm: %s\n", strings.Join(e.Approvers, ", "))
	}
	return page.String()
}
