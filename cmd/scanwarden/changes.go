package main

import (
	"errors"
	"fmt"
	"io"
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/tools"
	"strings"
	"text/tabwriter"
	"time"
)

type changesCommand struct {
	ID   string `arg:"" optional:"" help:"The change to show whole."`
	JSON bool   `help:"Print a JSON array, for programs."`
	Open bool   `help:"Only changes that are not settled."`
	ledgerFlags
}

// timeLayout is how times are printed: on this machine's clock, which is named.
const timeLayout = time.DateTime + " MST"

// maxChanges bounds a list; older changes are in the audit log.
const maxChanges = 1000

// Run lists the changes of the ledger, newest first, or shows one.
func (c changesCommand) Run(w environment, flags config.Flags) error {
	var kept []confirm.Change
	err := withStore(w, flags, func(ledger *store.Store) (err error) {
		kept, err = c.read(w, ledger)
		return err
	})
	if err != nil && (c.ID != "" || !errors.Is(err, server.ErrNoStore)) {
		return err
	}
	switch {
	case c.JSON:
		return printJSON(w.stdout, kept)
	case c.ID != "":
		return printChange(w.stdout, kept[0])
	case err != nil:
		_, err := fmt.Fprintf(w.stdout, "no changes yet: %v\n", err)
		return err
	case len(kept) == 0 && c.Open:
		_, err := fmt.Fprintln(w.stdout, "no open changes")
		return err
	default:
		return printTable(w.stdout, kept)
	}
}

func (c changesCommand) read(w environment, ledger *store.Store) ([]confirm.Change, error) {
	if c.ID == "" {
		filter := confirm.Filter{Limit: maxChanges}
		if c.Open {
			filter.States = []confirm.State{confirm.Pending, confirm.Approved, confirm.Executing, confirm.Unknown}
		}
		return ledger.Changes(w.ctx, filter)
	}
	one, err := ledger.Change(w.ctx, strings.ToUpper(c.ID))
	if errors.Is(err, confirm.ErrNotFound) {
		return nil, fmt.Errorf("there is no change %s in this ledger; `scanwarden changes` lists them", c.ID)
	}
	return []confirm.Change{one}, err
}

// changeLine is one change for programs. It never has the code.
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
}

func newChangeLine(c confirm.Change, now time.Time) changeLine {
	result := tools.ResultOf(c)
	return changeLine{
		ID: c.ID, Operation: c.Operation, Status: statusText(c, now), Summary: c.Summary, Requester: string(c.Requester),
		DecidedBy: result.DecidedBy, Created: c.Created, Expires: c.Expires, Reason: result.Reason,
	}
}

// statusText is the tools' word for the state, and approved and executing, which a tool call never sees. An
// overdue change is expired, even before a server has noted it.
func statusText(c confirm.Change, now time.Time) string {
	switch {
	case c.State == confirm.Approved, c.State == confirm.Executing:
		return string(c.State)
	case c.State == confirm.Pending && !c.Expires.After(now):
		return string(confirm.Expired)
	}
	return tools.ResultOf(c).Status
}

func printJSON(out io.Writer, kept []confirm.Change) error {
	lines := make([]changeLine, len(kept))
	for i, c := range kept {
		lines[i] = newChangeLine(c, time.Now())
	}
	return writeJSON(out, lines)
}

func printTable(out io.Writer, kept []confirm.Change) error {
	if len(kept) == 0 {
		_, err := fmt.Fprintln(out, "no changes yet")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATUS\tCREATED\tREQUESTER\tSUMMARY")
	for _, c := range kept {
		line := newChangeLine(c, time.Now())
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n",
			line.ID, line.Status, line.Created.Local().Format(timeLayout), line.Requester, line.Summary)
	}
	return table.Flush()
}

// printChange shows everything that is known of one change: the plan as it was put to people, who said what,
// and how it ended.
func printChange(out io.Writer, c confirm.Change) error {
	var page strings.Builder
	line := newChangeLine(c, time.Now())
	fmt.Fprintf(&page, "Change %s: %s, %s\n", c.ID, c.Operation, line.Status)
	fmt.Fprintf(&page, "Created %s, digest %s\n\n", c.Created.Local().Format(timeLayout), c.Digest)
	fmt.Fprintf(&page, "%s\n", strings.TrimRight(tools.Render(c), "\n"))
	for _, d := range c.Decisions {
		fmt.Fprintf(&page, "\n%s\n", decisionText(d))
	}
	if c.Outcome.State != "" {
		ended := strings.TrimSpace(c.Outcome.Reason + " " + c.Outcome.Next)
		fmt.Fprintf(&page, "\nOutcome: %s\n", strings.TrimSuffix(line.Status+": "+ended, ": "))
	}
	_, err := io.WriteString(out, page.String())
	return err
}

func decisionText(d confirm.Decision) string {
	who, said, why := string(d.Principal), "no", ""
	if d.Name != "" {
		who = fmt.Sprintf("%s (%s)", d.Name, d.Principal)
	}
	if d.Approve {
		said = "yes"
	}
	if d.Reason != "" {
		why = ": " + d.Reason
	}
	return fmt.Sprintf("%s said %s on %s at %s%s", who, said, d.Channel, d.At.Local().Format(timeLayout), why)
}
