package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"scanwarden/confirm"
)

// eventRemoved is the audit event of a change whose rows were removed. Its earlier entries stay in the log.
const eventRemoved = "removed"

// deleteDetails delete the rows about a change in every table that has a column change_id.
var deleteDetails = []string{deleteProposal, deleteDecisions, deleteMessages, deleteBaseline, releaseClaims}

// RemoveEnded implements confirm.Store.
func (s *Store) RemoveEnded(ctx context.Context, e confirm.Ended) (int, error) {
	found, err := s.findEnded(ctx, e)
	if err != nil {
		return 0, fmt.Errorf("look for changes to remove: %w", explainError(err))
	}
	var removed atomic.Int64
	var group errgroup.Group
	group.SetLimit(batchSize) // they share transactions
	for _, c := range found {
		group.Go(func() error {
			err := s.removeChange(ctx, c, e)
			if err == nil {
				removed.Add(1)
			}
			if err == nil || errors.Is(err, confirm.ErrMoved) {
				return nil
			}
			return fmt.Errorf("remove change %s: %w", c.ID, err)
		})
	}
	err = group.Wait()
	return int(removed.Load()), err
}

// findEnded returns the changes that e selects, each with its id, state and version only.
func (s *Store) findEnded(ctx context.Context, e confirm.Ended) (found []confirm.Change, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, state, version FROM change
		WHERE settled = 1 AND target = $1 AND updated < $2 LIMIT $3`, e.Target, micros(e.Before), e.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c confirm.Change
		if err := rows.Scan(&c.ID, &c.State, &c.Version); err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, rows.Err()
}

// removeChange deletes the rows of one change and logs that. It returns confirm.ErrMoved if another process did so.
func (s *Store) removeChange(ctx context.Context, c confirm.Change, ended confirm.Ended) error {
	e := &entry{
		Time: ended.At.UTC(), Event: eventRemoved, Change: c.ID, Version: c.Version + 1, From: c.State, To: c.State,
		Note: "it ended before " + ended.Before.UTC().Format(time.RFC3339),
	}
	t := &transition{
		guarded: &statement{
			query: deleteChange, args: []any{c.ID, c.Version, string(c.State), micros(ended.Before)},
			dest: []any{&e.Operation, &e.Target, &e.Digest, &e.Requester, &e.Via, &e.Round},
		},
		entry: e,
	}
	for _, query := range deleteDetails {
		t.details = append(t.details, &statement{query: query, args: []any{c.ID}})
	}
	return s.writeTransition(ctx, t)
}

// Size returns how many bytes the ledger takes on disk. With PostgreSQL these are its tables and indexes.
func (s *Store) Size(ctx context.Context) (bytes int64, err error) {
	if !s.sqlite {
		err = s.read.QueryRowContext(ctx, `SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
			WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
			AND relname IN ('change', 'proposal', 'decision', 'notice', 'audit', 'budget_call')`).Scan(&bytes)
		if err != nil {
			err = fmt.Errorf("measure ledger: %w", explainError(err))
		}
		return bytes, err
	}
	for _, path := range []string{s.file, s.file + "-wal"} {
		info, err := os.Stat(path)
		if err == nil {
			bytes += info.Size()
		} else if path == s.file {
			return 0, fmt.Errorf("measure ledger: %w", err)
		}
	}
	return bytes, nil
}
