package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/tools"
)

// changesOptions are the flags and the argument of `scanwarden changes`.
type changesOptions struct {
	id         string // the change to show, "" for a list
	json, open bool
	settle     string // how an operator found a change of unknown outcome: "applied" or "failed"
}

// newChangesCommand returns `scanwarden changes`, which reads the ledger.
func newChangesCommand(e environment) *cobra.Command {
	var options changesOptions
	cmd := &cobra.Command{
		Use: "changes [ID]", GroupID: groupInspect, Example: "scanwarden changes --json", Args: cobra.MaximumNArgs(1),
		Short: "List changes, or show one in full.",
		RunE: func(cmd *cobra.Command, args []string) error {
			options.id = strings.Join(args, "")
			if cmd.Flags().Changed("settle") {
				return runChangesSettle(e, givenSettings(cmd), options)
			}
			return runChanges(e, givenSettings(cmd), options)
		},
	}
	cmd.Flags().BoolVar(&options.json, "json", false, "Print a JSON array, for programs.")
	cmd.Flags().BoolVar(&options.open, "open", false, "List only changes that are not settled.")
	cmd.Flags().StringVar(&options.settle, "settle", "", "End a change of unknown outcome as you found it in Defender: applied or failed.")
	addSettingFlags(cmd, config.GroupLedger)
	return cmd
}

// timeLayout prints times in this machine's time zone, with its name.
const timeLayout = time.DateTime + " MST"

// maxChanges bounds a list. Older changes are in the audit log.
const maxChanges = 1000

// runChanges prints the changes of the ledger, newest first, or one change in full.
func runChanges(e environment, flags config.Flags, options changesOptions) error {
	var kept []confirm.Change
	err := withStore(e, flags, func(ledger *store.Store) (err error) {
		kept, err = readChanges(e, ledger, options)
		return err
	})
	if err != nil && (options.id != "" || !errors.Is(err, server.ErrNoStore)) {
		return err
	}
	switch {
	case options.json:
		return printJSON(e.stdout, kept)
	case options.id != "":
		return printChange(e.stdout, kept[0])
	case err != nil:
		_, err := fmt.Fprintf(e.stdout, "no changes yet: %v\n", err)
		return err
	case len(kept) == 0 && options.open:
		_, err := fmt.Fprintln(e.stdout, "no open changes")
		return err
	default:
		return printTable(e.stdout, kept)
	}
}

// readChanges returns the change of options.id, or the newest changes.
func readChanges(e environment, ledger *store.Store, options changesOptions) ([]confirm.Change, error) {
	if options.id == "" {
		filter := confirm.Filter{Limit: maxChanges}
		if options.open {
			filter.States = []confirm.State{confirm.Pending, confirm.Approved, confirm.Executing, confirm.Unknown}
		}
		return ledger.Changes(e.ctx, filter)
	}
	one, err := ledger.Change(e.ctx, strings.ToUpper(options.id))
	if errors.Is(err, confirm.ErrNotFound) {
		return nil, fmt.Errorf("there is no change %s in this ledger; `scanwarden changes` lists them", options.id)
	}
	return []confirm.Change{one}, err
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
}

// newChangeLine returns a change for programs. now decides whether it has expired.
func newChangeLine(c confirm.Change, now time.Time) changeLine {
	result := tools.ResultOf(c)
	return changeLine{
		ID: c.ID, Operation: c.Operation, Status: statusText(c, now), Summary: c.Summary, Requester: string(c.Requester),
		DecidedBy: result.DecidedBy, Created: c.Created, Expires: c.Expires, Reason: result.Reason,
	}
}

// statusText returns the status of a tool result, or approved and executing, which a tool call never returns. An
// overdue change is expired, even before a server has recorded that.
func statusText(c confirm.Change, now time.Time) string {
	switch {
	case c.State == confirm.Approved, c.State == confirm.Executing:
		return string(c.State)
	case c.State == confirm.Pending && !c.Expires.After(now):
		return string(confirm.Expired)
	}
	return tools.ResultOf(c).Status
}

// printJSON prints changes for programs.
func printJSON(out io.Writer, kept []confirm.Change) error {
	lines := make([]changeLine, len(kept))
	for i, c := range kept {
		lines[i] = newChangeLine(c, time.Now())
	}
	return writeJSON(out, lines)
}

// printTable prints changes for people.
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

// printChange prints everything about one change: the plan that approvers saw, their decisions and the outcome.
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

// decisionText returns one decision as a sentence.
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
