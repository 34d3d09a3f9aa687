package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// PublicKey returns the text of audit.pub, which verifies checkpoints and receipts.
func (s *Store) PublicKey() string { return s.key.public }

// Checkpoint returns the newest signed head of the log. It returns an error if the log is empty.
func (s *Store) Checkpoint(ctx context.Context) (checkpoint string, err error) {
	err = s.read.QueryRowContext(ctx, selectCheckpoint).Scan(&checkpoint)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errors.New("read checkpoint: the audit log is empty; a checkpoint exists once a change has been proposed")
	}
	if err == nil {
		_, err = openCheckpoint(checkpoint, s.key.verifier)
	}
	if err != nil {
		return "", fmt.Errorf("read checkpoint: %w", explainError(err))
	}
	return checkpoint, nil
}

// CheckSince returns the number of entries of an earlier checkpoint if the log has only grown since then. The proof is
// against the newest signed checkpoint; Verify checks that the entries are those of that checkpoint.
func (s *Store) CheckSince(ctx context.Context, earlier string) (entries int64, err error) {
	then, err := openCheckpoint(earlier, s.key.verifier)
	if err != nil {
		return 0, fmt.Errorf("check the file in --since: %w; give a file that `scanwarden audit checkpoint` wrote for this ledger", err)
	}
	err = s.readSnapshot(ctx, func(tx *sql.Tx) error {
		var checkpoint string
		if err := tx.QueryRowContext(ctx, selectCheckpoint).Scan(&checkpoint); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var now logHead
		if checkpoint != "" {
			if now, err = openCheckpoint(checkpoint, s.key.verifier); err != nil {
				return err
			}
		}
		if !continues(now, then, storedHashes(ctx, tx)) {
			return fmt.Errorf("the log with %d entries does not continue the one with %d entries: entries were removed or replaced; restore the newest copy",
				now.size, then.size)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("check the log since the earlier checkpoint: %w", explainError(err))
	}
	return then.size, nil
}
