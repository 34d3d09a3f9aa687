package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/tools"
)

// changesOptions are the flags and the argument of `scanwarden changes`.
type changesOptions struct {
	id     string // the change to show, or the beginning or end of its id; "" for a list
	json   bool
	filter changeFilter
	before string // list changes older than this one; "" for the newest
	limit  int    // 0 means listedChanges, or maxChanges for programs
	settle string // how an operator found a change of unknown outcome: "applied" or "failed"
	key    []byte // server.key, which changes are verified with before they are shown; nil verifies none
}

// The numbers of changes that are listed unless --limit is given.
const (
	listedChanges = 20
	maxChanges    = 1000 // for programs
)

// newChangesCommand returns `scanwarden changes`, which reads the ledger.
func newChangesCommand(e environment) *cobra.Command {
	var options changesOptions
	cmd := &cobra.Command{
		Use: "changes [ID]", GroupID: groupInspect, Args: cobra.MaximumNArgs(1),
		Example: "scanwarden changes --open\nscanwarden changes --person ada --status denied,failed\nscanwarden changes C7D9FG",
		Short:   "List changes, or show one in full.",
		Long: "List changes, newest first, or show one in full with its history from the audit log. ID may be the beginning or the end " +
			"of an id, as much as only one change has; the list shows the end. Where the state directory has server.key, a change whose record " +
			"does not verify is not shown: its status is unknown, and the reason says so.",
		RunE: func(cmd *cobra.Command, args []string) error {
			options.id = strings.Join(args, "")
			if cmd.Flags().Changed("settle") {
				return runChangesSettle(e, givenSettings(cmd), options)
			}
			return runChanges(e, givenSettings(cmd), options)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&options.filter.open, "open", false, "List only changes that are not settled.")
	flags.StringSliceVar(&options.filter.statuses, "status", nil, "`STATUS` List only changes of this status, such as applied or denied. Separate several by commas.")
	flags.StringVar(&options.filter.operation, "operation", "", "`NAME` List only changes of this operation, such as delete_scans.")
	flags.StringVar(&options.filter.person, "person", "", "`WHO` List only changes that this person proposed or decided: a part of the name or principal.")
	flags.IntVar(&options.limit, "limit", 0, "`N` List at most this many.")
	addFlagNote(cmd, "limit", "", fmt.Sprintf("%d, with --json %d", listedChanges, maxChanges))
	flags.StringVar(&options.before, "before", "", "`ID` List changes older than this one.")
	flags.BoolVar(&options.json, "json", false, "Print a JSON array, for programs.")
	flags.StringVar(&options.settle, "settle", "", "End a change of unknown outcome as you found it in Defender: applied or failed.")
	addLedgerFlags(cmd)
	return cmd
}

// timeLayout prints times in this machine's time zone, with its name.
const timeLayout = time.DateTime + " MST"

// runChanges prints the changes of the ledger, newest first, or one change in full.
func runChanges(e environment, flags config.Flags, options changesOptions) error {
	if err := options.complete(); err != nil {
		return usageError{fmt.Errorf("changes: %w", err)}
	}
	cfg, err := config.Load(e.env, flags)
	if err != nil {
		return err
	}
	options.filter.names = personNames(cfg.People)
	if options.key, err = server.ExistingKey(cfg, e.env); err != nil && !errors.Is(err, server.ErrNoKey) {
		return err
	}
	var read readHistory
	err = withStore(e, flags, func(ledger *store.Store) (err error) {
		read, err = readChanges(e.ctx, ledger, options)
		return err
	})
	if err != nil && (options.id != "" || !errors.Is(err, server.ErrNoStore)) {
		return err
	}
	p := newPrinter(e)
	switch {
	case options.json:
		return printChangesJSON(e.stdout, read.changes)
	case err != nil:
		p.Print(terminal.Wrap(terminal.Text("no changes yet: "+err.Error()), p.Width(), 0)...)
	case options.id != "":
		printChange(p, read, options.filter.names)
	default:
		newChangeList(p, options.filter, time.Now()).print(read)
	}
	return p.Err()
}

// complete checks the options and sets those that were not given.
func (o *changesOptions) complete() error {
	switch {
	case o.limit < 0:
		return errors.New("--limit: write a number above 0")
	case o.limit == 0 && o.json:
		o.limit = maxChanges
	case o.limit == 0:
		o.limit = listedChanges
	}
	return o.filter.check()
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
