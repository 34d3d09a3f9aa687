package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"scanwarden/confirm"
)

// receiptFormat identifies the first and only format of receipts.
const receiptFormat = "scanwarden-receipt/v1"

// Receipt is the evidence of one change. VerifyReceipt checks it with the public key alone. Every field except Checkpoint,
// Entries and Signature repeats what Entries record.
type Receipt struct {
	Format    string            `json:"format"`
	Change    string            `json:"change"`
	Operation string            `json:"operation"`
	Target    string            `json:"target"`
	Digest    string            `json:"digest"` // of the request that approvers saw
	Requester confirm.Principal `json:"requester"`
	Via       string            `json:"via"`
	Proposed  time.Time         `json:"proposed"`
	Decisions []ReceiptDecision `json:"decisions"`
	State     confirm.State     `json:"state"`  // after the last of Entries
	Reason    string            `json:"reason"` // of the outcome; "" for none
	Entries   []ReceiptEntry    `json:"entries"`
	// Checkpoint is the signed head of the log, in the form of https://c2sp.org/tlog-checkpoint.
	Checkpoint string `json:"checkpoint"`
	// Signature is by the key of the log. It covers the receipt without it, so that no entry can be left out.
	Signature []byte `json:"signature,omitempty"`
}

// ReceiptDecision is one decision about the change of a receipt.
type ReceiptDecision struct {
	Principal confirm.Principal `json:"principal"`
	Name      string            `json:"name"`
	Approve   bool              `json:"approve"`
	Channel   confirm.Channel   `json:"channel"`
	At        time.Time         `json:"at"`
	Reason    string            `json:"reason"`
}

// ReceiptEntry is an entry of the log and the proof that the log includes it.
type ReceiptEntry struct {
	N     int64       `json:"n"`
	Line  string      `json:"line"` // as logged
	Hash  tlog.Hash   `json:"hash"`
	Proof []tlog.Hash `json:"proof"` // that the tree of Checkpoint includes Hash at N
}

// Receipt returns the signed receipt of a change as JSON. It returns confirm.ErrNotFound if the log has no entry about it.
// The receipt is of the newest state of the log.
func (s *Store) Receipt(ctx context.Context, change string) ([]byte, error) {
	var r Receipt
	err := s.readSnapshot(ctx, func(tx *sql.Tx) (err error) {
		r, err = s.collectReceipt(ctx, tx, change)
		return err
	})
	if err == nil {
		r.Signature, err = s.key.signer.Sign(r.signedText())
	}
	if err != nil {
		return nil, fmt.Errorf("make receipt of change %s: %w", change, explainError(err))
	}
	text := r.encode()
	if _, err := VerifyReceipt(text, s.key.public); err != nil {
		return nil, fmt.Errorf("make receipt of change %s: %w; run `scanwarden audit verify`", change, err)
	}
	return text, nil
}

// collectReceipt returns the receipt of a change without its signature.
func (s *Store) collectReceipt(ctx context.Context, tx *sql.Tx, change string) (r Receipt, err error) {
	if err := tx.QueryRowContext(ctx, selectCheckpoint).Scan(&r.Checkpoint); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, err
	}
	lines, err := linesAbout(ctx, tx, change)
	if err != nil {
		return r, err
	}
	if len(lines) == 0 {
		return r, confirm.ErrNotFound
	}
	head, err := s.key.openHead(r.Checkpoint)
	if err != nil {
		return r, err
	}
	hashes := storedHashes(ctx, tx)
	for _, line := range lines {
		n, err := entryNumber(line)
		if err != nil {
			return r, err
		}
		proof, err := tlog.ProveRecord(head.size, n, hashes)
		if err != nil {
			return r, err
		}
		r.Entries = append(r.Entries, ReceiptEntry{n, line, tlog.RecordHash([]byte(line)), append([]tlog.Hash{}, proof...)})
	}
	return summarizeEntries(r)
}

// linesAbout returns the lines of the log about a change, oldest first.
func linesAbout(ctx context.Context, tx *sql.Tx, change string) (found []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT lines FROM audit WHERE lines LIKE $1 ORDER BY n`, `%"change":"`+change+`"%`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var lines string
		if err := rows.Scan(&lines); err != nil {
			return nil, err
		}
		for line := range strings.SplitSeq(lines, "\n") {
			var e entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return nil, err
			}
			if e.Change == change && e.Link == nil {
				found = append(found, line)
			}
		}
	}
	return found, rows.Err()
}

// entryNumber returns the position that a line of the log gives itself.
func entryNumber(line string) (int64, error) {
	var e entry
	err := json.Unmarshal([]byte(line), &e)
	return e.N, err
}

// summarizeEntries returns r with the fields that its entries record. It returns an error if the Gate cannot have made
// these entries, one after the other.
func summarizeEntries(r Receipt) (Receipt, error) {
	r.Format, r.Decisions, r.Reason = receiptFormat, []ReceiptDecision{}, ""
	var h history
	for i, logged := range r.Entries {
		var e entry
		err := json.Unmarshal([]byte(logged.Line), &e)
		if err == nil {
			h, err = h.apply(e)
		}
		switch {
		case err != nil:
			return r, fmt.Errorf("entry %d: %w", logged.N, err)
		case i == 0:
			r.Change, r.Operation, r.Target, r.Digest = e.Change, e.Operation, e.Target, e.Digest
			r.Requester, r.Via, r.Proposed = e.Requester, e.Via, e.Time
		case e.Change != r.Change:
			return r, fmt.Errorf("entry %d: it is about change %q", logged.N, e.Change)
		}
		if d := e.Decision; d != nil {
			r.Decisions = append(r.Decisions, ReceiptDecision{d.Principal, d.Name, d.Approve, d.Channel, d.At, d.Reason})
		}
		if e.Outcome != nil {
			r.Reason = e.Outcome.Reason
		}
		r.State = h.state
	}
	return r, nil
}

// encode returns the only encoding of a receipt that VerifyReceipt accepts.
func (r Receipt) encode() []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return nil // only a time beyond the year 9999 cannot be encoded; no receipt is empty
	}
	return text.Bytes()
}

// signedText returns what Signature is of. Its first line tells it from a checkpoint, which the same key signs.
func (r Receipt) signedText() []byte {
	r.Signature = nil
	return append([]byte(receiptFormat+"\n"), r.encode()...)
}
