package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/tools"
)

// readHistory is what a command has read from the ledger.
type readHistory struct {
	changes []confirm.Change
	ids     []string         // of all changes of the ledger
	more    bool             // older changes match too
	log     []store.LogEntry // of the one change, if one was asked for
}

// readChanges returns the change of options.id with its log, or the newest changes that match the filter.
func readChanges(ctx context.Context, ledger *store.Store, options changesOptions) (read readHistory, err error) {
	if read.ids, err = ledger.ChangeIDs(ctx); err != nil {
		return read, err
	}
	if options.id != "" {
		return readOne(ctx, ledger, read, options)
	}
	var before confirm.Cursor
	if options.before != "" {
		one, err := findChange(ctx, ledger, read.ids, options.before)
		if err != nil {
			return read, fmt.Errorf("--before: %w", err)
		}
		before = confirm.Cursor{Created: one.Created, ID: one.ID}
	}
	for now := time.Now(); ; {
		page, err := ledger.ChangesBefore(ctx, confirm.Filter{States: options.filter.states(), Limit: maxChanges}, before)
		if err != nil {
			return read, err
		}
		for _, c := range options.verified(page) {
			if !options.filter.matches(c, now) {
				continue
			}
			if len(read.changes) == options.limit {
				read.more = true
				return read, nil
			}
			read.changes = append(read.changes, c)
		}
		if len(page) < maxChanges {
			return read, nil
		}
		before = confirm.Cursor{Created: page[len(page)-1].Created, ID: page[len(page)-1].ID}
	}
}

// verified returns the changes. With a key, one that does not verify is withheld.
func (o changesOptions) verified(changes []confirm.Change) []confirm.Change {
	if o.key == nil {
		return changes
	}
	return confirm.Withhold(o.key, changes)
}

// readOne returns the change that part of an id names, with its entries of the audit log.
func readOne(ctx context.Context, ledger *store.Store, read readHistory, options changesOptions) (readHistory, error) {
	one, err := findChange(ctx, ledger, read.ids, options.id)
	if err != nil {
		return read, err
	}
	read.changes = options.verified([]confirm.Change{one})
	read.log, err = ledger.ChangeLog(ctx, one.ID)
	return read, err
}

// findChange returns the change that part of an id names.
func findChange(ctx context.Context, ledger *store.Store, ids []string, part string) (confirm.Change, error) {
	id, err := findID(ids, part)
	if err != nil {
		return confirm.Change{}, err
	}
	return ledger.Change(ctx, id)
}

// maxNamed bounds how many ids an error names.
const maxNamed = 3

// findID returns the one id that part is, begins or ends. Letter case does not matter. The error says what to give
// instead.
func findID(ids []string, part string) (string, error) {
	part = strings.ToUpper(strings.TrimSpace(part))
	if slices.Contains(ids, part) {
		return part, nil
	}
	var found []string
	for _, id := range ids {
		if part != "" && (strings.HasPrefix(id, part) || strings.HasSuffix(id, part)) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("there is no change %s in this ledger; `scanwarden changes` lists them", part)
	case 1:
		return found[0], nil
	}
	rest := ""
	if len(found) > maxNamed {
		rest = fmt.Sprintf(" and %d more", len(found)-maxNamed)
	}
	return "", fmt.Errorf("%s fits %d changes: %s%s; give more of the id, for example its end",
		part, len(found), strings.Join(found[:min(len(found), maxNamed)], ", "), rest)
}

// personNames returns the configured name of each principal.
func personNames(people []config.PersonSettings) map[confirm.Principal]string {
	names := map[confirm.Principal]string{}
	for _, p := range people {
		for _, principal := range p.Principals {
			names[confirm.Principal(principal)] = p.Name
		}
	}
	return names
}

// changeFilter selects changes. The zero value selects all.
type changeFilter struct {
	open      bool
	statuses  []string
	operation string
	person    string
	names     map[confirm.Principal]string // configured names
}

// isEmpty reports whether every change matches.
func (f changeFilter) isEmpty() bool {
	return !f.open && len(f.statuses) == 0 && f.operation == "" && f.person == ""
}

// statuses lists what statusText can return.
var statuses = []string{
	"awaiting_confirmation", "approved", "executing", "applied", "failed", "unknown", "denied", "expired", "withdrawn", "stale",
}

// check returns an error that names the closest status if one is not known. It replaces "waiting" and "pending", which the
// list and the documentation use.
func (f *changeFilter) check() error {
	for i, status := range f.statuses {
		status = strings.ToLower(strings.TrimSpace(status))
		if status == "waiting" || status == "pending" {
			status = "awaiting_confirmation"
		}
		if f.statuses[i] = status; slices.Contains(statuses, status) {
			continue
		}
		hint := "write one of " + strings.Join(statuses, ", ")
		if best := config.Closest(status, statuses); best != "" {
			hint = "did you mean " + best + "?"
		}
		return fmt.Errorf("--status: there is no status %q; %s", status, hint)
	}
	f.operation = strings.ReplaceAll(f.operation, "-", "_")
	return nil
}

// states returns the states that the database selects; nil selects all.
func (f changeFilter) states() []confirm.State {
	if f.open {
		return []confirm.State{confirm.Pending, confirm.Approved, confirm.Executing, confirm.Unknown}
	}
	return nil
}

// matches reports whether the filter selects a change at now. An overdue change is not open.
func (f changeFilter) matches(c confirm.Change, now time.Time) bool {
	status := statusText(c, now)
	switch {
	case f.open && status == string(confirm.Expired),
		len(f.statuses) > 0 && !slices.Contains(f.statuses, status),
		f.operation != "" && !strings.EqualFold(f.operation, c.Operation):
		return false
	}
	return f.person == "" || f.concerns(c)
}

// concerns reports whether the person proposed or decided a change.
func (f changeFilter) concerns(c confirm.Change) bool {
	texts := []string{string(c.Requester), f.names[c.Requester]}
	for _, d := range c.Decisions {
		texts = append(texts, string(d.Principal), d.Name, f.names[d.Principal])
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		return strings.Contains(strings.ToLower(text), strings.ToLower(f.person))
	})
}

// changeLine is one change for programs. It never contains the code.
type changeLine struct {
	ID        string    `json:"id"`
	Operation string    `json:"operation"`
	Status    string    `json:"status"`
	Summary   string    `json:"summary"`
	Requester string    `json:"requester"`
	DecidedBy string    `json:"decided_by"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`
	Reason    string    `json:"reason"`
	Target    string    `json:"target"` // the tenant
}

// newChangeLine returns a change for programs. now decides whether it has expired.
func newChangeLine(c confirm.Change, now time.Time) changeLine {
	result := tools.ResultOf(c)
	return changeLine{
		ID: c.ID, Operation: c.Operation, Status: statusText(c, now), Summary: c.Summary, Requester: string(c.Requester),
		DecidedBy: result.DecidedBy, Created: c.Created, Expires: c.Expires, Reason: result.Reason, Target: c.Target,
	}
}

// printChangesJSON prints changes for programs.
func printChangesJSON(out io.Writer, kept []confirm.Change) error {
	lines := make([]changeLine, len(kept))
	for i, c := range kept {
		lines[i] = newChangeLine(c, time.Now())
	}
	return writeJSON(out, lines)
}
