package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"scanwarden/confirm/store"
)

// newAuditExportCommand returns `scanwarden audit export`.
func newAuditExportCommand(e environment) *cobra.Command {
	var since, format string
	cmd := &cobra.Command{
		Use: "export", Example: "scanwarden audit export --since 1200 --format ocsf", Args: cobra.NoArgs,
		Short: "Print the log as JSON lines.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := parseExportOptions(since, format)
			if err != nil {
				return err
			}
			return withStore(e, givenSettings(cmd), func(ledger *store.Store) error { return ledger.Export(e.ctx, e.stdout, options) })
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "`ENTRY|TIME` Begin at this entry number, or at a time such as 2026-11-30T08:00:00Z.")
	cmd.Flags().StringVar(&format, "format", "json", "`FORMAT` json for the entries as logged, or ocsf for events of OCSF 1.8.0.")
	addLedgerFlags(cmd)
	return cmd
}

// parseExportOptions returns the options of these flags. since may be "".
func parseExportOptions(since, format string) (o store.ExportOptions, err error) {
	switch format {
	case "json":
	case "ocsf":
		o.OCSF = true
	default:
		return o, usageError{fmt.Errorf("--format %q is not known; give json or ocsf", format)}
	}
	if since == "" {
		return o, nil
	}
	if o.Entry, err = strconv.ParseInt(since, 10, 64); err == nil && o.Entry >= 0 {
		return o, nil
	}
	o.Entry = 0
	if o.Since, err = time.Parse(time.RFC3339, since); err != nil {
		return o, usageError{fmt.Errorf("--since %q is neither an entry number nor a time; give a number from 0, or a time such as 2026-11-30T08:00:00Z", since)}
	}
	return o, nil
}
