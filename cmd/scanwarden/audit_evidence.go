package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// maxCheckpoint bounds the bytes of a file with a checkpoint or a public key.
const maxCheckpoint = 64 << 10

// newCheckpointCommand returns `scanwarden audit checkpoint`.
func newCheckpointCommand(e environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "checkpoint", Example: "scanwarden audit checkpoint > checkpoint.txt", Args: cobra.NoArgs,
		Short: "Print the newest signed checkpoint of the log, to keep in another place.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(e, givenSettings(cmd), func(ledger *store.Store) error {
				checkpoint, err := ledger.Checkpoint(e.ctx)
				if err != nil {
					return err
				}
				_, err = io.WriteString(e.stdout, checkpoint)
				return err
			})
		},
	}
	addLedgerFlags(cmd)
	return cmd
}

// newAuditKeyCommand returns `scanwarden audit key`.
func newAuditKeyCommand(e environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Example: "scanwarden audit key > audit.pub", Args: cobra.NoArgs,
		Short: "Print the public key that verifies receipts and checkpoints.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(e, givenSettings(cmd), func(ledger *store.Store) error {
				_, err := fmt.Fprintln(e.stdout, ledger.PublicKey())
				return err
			})
		},
	}
	addLedgerFlags(cmd)
	return cmd
}

// newReceiptCommand returns `scanwarden audit receipt CHANGE`.
func newReceiptCommand(e environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "receipt CHANGE", Example: "scanwarden audit receipt 01K5ZW > receipt.json", Args: cobra.ExactArgs(1),
		Short: "Print signed evidence of one change: who asked, who decided, what happened.",
		RunE:  func(cmd *cobra.Command, args []string) error { return runAuditReceipt(e, givenSettings(cmd), args[0]) },
	}
	addLedgerFlags(cmd)
	return cmd
}

// runAuditReceipt prints the receipt of the change that part of an id names. A change whose rows were removed is named by
// its whole id.
func runAuditReceipt(e environment, flags config.Flags, part string) error {
	return withStore(e, flags, func(ledger *store.Store) error {
		ids, err := ledger.ChangeIDs(e.ctx)
		if err != nil {
			return err
		}
		id, unknown := findID(ids, part)
		if unknown != nil {
			id = part
		}
		receipt, err := ledger.Receipt(e.ctx, id)
		if unknown != nil && errors.Is(err, confirm.ErrNotFound) {
			return unknown
		}
		if err != nil {
			return err
		}
		_, err = e.stdout.Write(receipt)
		return err
	})
}

// newVerifyReceiptCommand returns `scanwarden audit verify-receipt FILE`, which reads neither configuration nor ledger.
func newVerifyReceiptCommand(e environment) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: "verify-receipt FILE", Example: "scanwarden audit verify-receipt r.json --key key.pub", Args: cobra.ExactArgs(1),
		Short: "Check a receipt offline with the public key alone; exit 1 and name what does not verify.",
		RunE:  func(_ *cobra.Command, args []string) error { return runVerifyReceipt(e, args[0], key) },
	}
	cmd.Flags().StringVar(&key, "key", "", "`KEY` The public key: the file audit.pub, or its text.")
	return cmd
}

// runVerifyReceipt prints what the receipt in a file proves, or returns the first thing that does not verify.
func runVerifyReceipt(e environment, path, key string) error {
	if key == "" {
		return usageError{errors.New("give the public key of the log with --key: the file audit.pub, or what `scanwarden audit key` prints beside the ledger")}
	}
	if _, err := os.Stat(key); err == nil {
		text, err := readEvidence(key, maxCheckpoint)
		if err != nil {
			return err
		}
		key = string(text)
	}
	text, err := readEvidence(path, store.MaxReceipt)
	if err != nil {
		return err
	}
	r, err := store.VerifyReceipt(text, key)
	if err != nil {
		return fmt.Errorf("%s does not verify: %w", path, err)
	}
	return printReceipt(e.stdout, r)
}

// printReceipt prints what a verified receipt proves. Names and reasons are quoted: users wrote them.
func printReceipt(w io.Writer, r store.Receipt) error {
	lines := []string{
		"The receipt verifies. The owner of this key signed the following, and the log at the signed checkpoint includes it:",
		fmt.Sprintf("  change     %s, %s in %q", r.Change, r.Operation, r.Target),
		fmt.Sprintf("  request    %s", r.Digest),
		fmt.Sprintf("  requester  %q via %q at %s", r.Requester, r.Via, r.Proposed.UTC().Format(timestampLayout)),
	}
	for _, d := range r.Decisions {
		verdict := "denied"
		if d.Approve {
			verdict = "approved"
		}
		lines = append(lines, fmt.Sprintf("  %-9s  by %q (%q) on channel %q at %s; reason %q", verdict, d.Principal, d.Name, d.Channel, d.At.UTC().Format(timestampLayout), d.Reason))
	}
	if len(r.Decisions) == 0 {
		lines = append(lines, "  decision   none")
	}
	lines = append(lines, fmt.Sprintf("  state      %s; reason %q", r.State, r.Reason))
	for _, entry := range r.Entries {
		lines = append(lines, fmt.Sprintf("  entry      %d, hash %s", entry.N, entry.Hash))
	}
	lines = append(lines, "Not proven: what happened after the checkpoint. Compare the key with one that you got in another way.")
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// timestampLayout writes times in receipts to the second, in UTC.
const timestampLayout = "2006-01-02T15:04:05Z"

// printGrowth proves that the log has only grown since an earlier checkpoint, and prints how many entries that had.
func printGrowth(e environment, ledger *store.Store, earlier string) error {
	entries, err := ledger.CheckSince(e.ctx, earlier)
	if err == nil {
		_, err = fmt.Fprintf(e.stdout, "the log has only grown since the checkpoint: entries %d at that time\n", entries)
	}
	return err
}

// readEvidence returns the content of a file of at most limit bytes.
func readEvidence(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s has more than %d bytes; give the file as scanwarden wrote it", path, limit)
	}
	return text, err
}
