package store

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// ExportOptions selects the entries that Export writes and their form. The zero value selects all, as they were logged.
type ExportOptions struct {
	Entry int64     // the first entry
	Since time.Time // entries before it are left out; zero for none
	OCSF  bool      // writes an OCSF event for each entry
}

// Export writes the selected entries as JSON lines, oldest first. Without OCSF each line is exactly as it was logged.
func (s *Store) Export(ctx context.Context, w io.Writer, o ExportOptions) error {
	out := bufio.NewWriter(w)
	err := s.readSnapshot(ctx, func(tx *sql.Tx) error {
		return eachAuditRow(ctx, tx, func(t auditRow) error { return o.write(out, t.lines) })
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("export audit log: %w", explainError(err))
	}
	return nil
}

// write writes those lines of one transaction that are selected.
func (o ExportOptions) write(out *bufio.Writer, lines string) error {
	for line := range strings.SplitSeq(lines, "\n") {
		text := line
		if o != (ExportOptions{}) {
			var e entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return fmt.Errorf("an entry cannot be read: %w; run `scanwarden audit verify`", err)
			}
			if e.N < o.Entry || e.Time.Before(o.Since) {
				continue
			}
			if o.OCSF {
				event, err := json.Marshal(newOCSFEvent(e, line))
				if err != nil {
					return err
				}
				text = string(event)
			}
		}
		if _, err := out.WriteString(text + "\n"); err != nil {
			return err
		}
	}
	return nil
}
