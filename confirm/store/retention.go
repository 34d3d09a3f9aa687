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
func (s *Store) RemoveEnded(ctx context.Context, e confirm.Ended) (confirm.Removal, error) {
	found, err := s.findEnded(ctx, e)
	if err == nil && len(found) > 0 {
		err = s.readEnds(ctx, found)
	}
	if err != nil {
		return confirm.Removal{}, fmt.Errorf("look for changes to remove: %w", explainError(err))
	}
	var out confirm.Removal
	if len(found) == e.Limit {
		out.Next = found[len(found)-1].id
	}
	var removed atomic.Int64
	var group errgroup.Group
	group.SetLimit(batchSize) // they share transactions
	for _, r := range found {
		if !r.isConfirmed() {
			out.Altered = append(out.Altered, r.tamperingError())
			continue
		}
		group.Go(func() error {
			err := s.removeChange(ctx, r, e)
			if err == nil {
				removed.Add(1)
			}
			if err == nil || errors.Is(err, confirm.ErrMoved) {
				return nil
			}
			return fmt.Errorf("remove change %s: %w", r.id, err)
		})
	}
	err = group.Wait()
	out.Changes = int(removed.Load())
	return out, err
}

// findEnded returns the rows that e selects.
func (s *Store) findEnded(ctx context.Context, e confirm.Ended) (found []*endedRow, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, state, version, round, digest, updated, coalesce(log_size, 0), coalesce(log_edge, '')
		FROM change LEFT JOIN proposal ON change_id = id
		WHERE settled = 1 AND target = $1 AND updated < $2 AND id > $3 ORDER BY id LIMIT $4`, e.Target, micros(e.Before), e.After, e.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r := &endedRow{}
		if err := rows.Scan(&r.id, &r.state, &r.version, &r.round, &r.digest, &r.updated, &r.logStart, &r.logEdge); err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// removeChange deletes the rows of one change whose end the log confirms, and logs that. It returns confirm.ErrMoved if
// another process did so.
func (s *Store) removeChange(ctx context.Context, r *endedRow, ended confirm.Ended) error {
	end := r.end
	t := &transition{
		guarded: &statement{query: deleteChange, args: []any{r.id, r.version, string(r.state), r.digest, r.updated}},
		entry: &entry{
			Time: ended.At.UTC(), Event: eventRemoved, Change: r.id, Version: end.Version + 1, From: end.To, To: end.To,
			Operation: end.Operation, Target: end.Target, Digest: end.Digest, Requester: end.Requester, Via: end.Via, Round: end.Round,
			Note: "it ended before " + ended.Before.UTC().Format(time.RFC3339),
		},
	}
	for _, query := range deleteDetails {
		t.details = append(t.details, &statement{query: query, args: []any{r.id}})
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
