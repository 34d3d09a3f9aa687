package store

// Group commit. All transitions append to one log, so only one transaction can be written at a time, and each commit
// waits for the disk. Transitions that arrive meanwhile share the next transaction. Measured by BenchmarkChange with 16
// writers, against bare commits of one row: without batches 0.4 to 0.5 on SQLite and 0.1 to 0.2 on PostgreSQL, with
// them over 2 and over 0.55.

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"scanwarden/confirm"
)

// transition is one caller's part of a transaction.
type transition struct {
	before  []*statement // claim what guarded requires
	guarded *statement   // inserts a change or a link, or moves or deletes one; matched if its guard did
	details []*statement // run only if guarded has matched
	refusal func() error // returns why guarded has not matched; nil means confirm.ErrMoved
	entry   *entry
	read    *confirm.Change // the change as the caller of a move has read it; nil for other transitions
	hashes  *changeHashes   // of read, if the history has to be compared as a whole; nil otherwise
	holders []string        // the change that holds each key of entry.Keys
	held    []heldClaim     // what the change held before, according to the log
	stray   []*statement    // delete the claims of a transition that has not matched
	link    *confirm.Link   // the link that is made or removed; nil for other transitions
	done    chan struct{}   // closed once err is set
	err     error
}

// claims reports whether t claims keys.
func (t *transition) claims() bool { return len(t.entry.Keys) > 0 }

// transitionQueue holds the transitions that wait for the next transaction. No goroutine serves it: the caller
// that gets writeLock writes for all callers that wait.
type transitionQueue struct {
	writeLock chan struct{} // holds a token while a caller writes

	mu      sync.Mutex
	pending []*transition
}

// batchSize bounds how many transitions share one transaction, and so how long the first of them waits.
const batchSize = 32

// addPending appends t to the queue.
func (q *transitionQueue) addPending(t *transition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = append(q.pending, t)
}

// nextBatch removes and returns the transitions that have waited longest.
func (q *transitionQueue) nextBatch() []*transition {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(batchSize, len(q.pending))
	taken := slices.Clone(q.pending[:n])
	q.pending = slices.Delete(q.pending, 0, n)
	return taken
}

// cancelPending removes t and reports whether it was still waiting. On false another caller is already writing it.
func (q *transitionQueue) cancelPending(t *transition) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.pending, t)
	if i < 0 {
		return false
	}
	q.pending = slices.Delete(q.pending, i, i+1)
	return true
}

// writeTransition writes t with its audit entry, in one transaction with others if some are waiting. It returns
// confirm.ErrMoved if the guard of t does not match. Once writing has begun, it waits for the result even if ctx
// ends, so that no caller has to guess whether the transition happened.
func (s *Store) writeTransition(ctx context.Context, t *transition) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.done = make(chan struct{})
	s.queue.addPending(t)
	select {
	case s.queue.writeLock <- struct{}{}:
		defer func() { <-s.queue.writeLock }()
		s.flushUntilDone(ctx, t)
	case <-t.done:
	case <-ctx.Done():
		if s.queue.cancelPending(t) {
			return ctx.Err()
		}
		<-t.done
	}
	return explainError(t.err)
}

// flushUntilDone writes the waiting transitions until t is among those written.
func (s *Store) flushUntilDone(ctx context.Context, t *transition) {
	for {
		select {
		case <-t.done:
			return
		default:
		}
		// Callers whose transaction has just ended may have their next transition ready. Without this they would miss
		// this batch by microseconds, and every second transaction would hold a single transition.
		runtime.Gosched()
		s.writeBatch(ctx, s.queue.nextBatch())
	}
}

// writeBatch writes the transitions in one transaction and gives each its result. If a statement fails in a batch
// of several, each transition is written alone, so that only the caller at fault gets the error. A failed commit
// is not tried again, because it may have happened, unless PostgreSQL answered that it aborted the transaction.
func (s *Store) writeBatch(ctx context.Context, all []*transition) {
	indivisible := false
	err := retryConflicts(context.WithoutCancel(ctx), func() (err error) {
		indivisible, err = s.writeTogether(ctx, all)
		return err
	})
	if err != nil && !indivisible && len(all) > 1 {
		for _, t := range all {
			s.writeBatch(ctx, []*transition{t})
		}
		return
	}
	deliverResults(all, err)
}

// writeTogether writes the transitions in one transaction. After an error, indivisible reports whether the error is
// that of all transitions: the database could not be reached, or the commit failed.
func (s *Store) writeTogether(ctx context.Context, all []*transition) (indivisible bool, err error) {
	bounded, cancel := s.withTxTimeout(ctx)
	defer cancel()
	tx, err := s.beginTx(bounded)
	if err != nil {
		return true, err
	}
	defer tx.rollback()
	log, sets, err := s.applyTransitions(bounded, tx, all)
	if err != nil {
		return bounded.Err() != nil, err
	}
	return true, s.commitEntries(bounded, tx, log, sets, all)
}

// deliverResults sets the result of each transition and wakes its caller.
func deliverResults(all []*transition, err error) {
	for _, t := range all {
		switch {
		case err != nil:
			t.err = err
		case !t.guarded.matched:
			t.err = t.unmatchedError()
		}
		close(t.done)
	}
}

// unmatchedError returns why the guard of t has not matched.
func (t *transition) unmatchedError() error {
	if t.refusal != nil {
		if err := t.refusal(); err != nil {
			return err
		}
	}
	return confirm.ErrMoved
}
