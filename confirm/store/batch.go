package store

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"scanwarden/confirm"
)

// transition is one caller's part of a transaction.
type transition struct {
	guarded *statement // a new change or link, or the guarded move of one; its guard did not match unless it hits
	detail  *statement // what belongs to it when it hits: a proposal or a decision; nil for nothing
	entry   *entry
	done    chan struct{} // closed once err is the result
	err     error
}

// transitionQueue lets transitions that arrive while a transaction is being written share the next one: a commit waits
// for the disk, and only one writer at a time may append to the log anyway. There is no goroutine behind
// it: whoever gets the turn writes for all who wait.
type transitionQueue struct {
	writeLock chan struct{} // holds a token while somebody writes

	mu      sync.Mutex
	pending []*transition
}

// batchSize bounds how many transitions share one transaction, and so how long the first of them waits.
const batchSize = 32

func (q *transitionQueue) addPending(t *transition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = append(q.pending, t)
}

// nextBatch removes those who have waited longest.
func (q *transitionQueue) nextBatch() []*transition {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(batchSize, len(q.pending))
	taken := slices.Clone(q.pending[:n])
	q.pending = slices.Delete(q.pending, 0, n)
	return taken
}

// cancelPending takes t back; false means that somebody is writing it already.
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

// writeTransition writes t with its audit entry, perhaps in one transaction with others. It fails with
// confirm.ErrMoved when t's guard does not match. Once writing has begun, it waits for the result although
// ctx ends: nobody has to guess whether their transition happened.
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
	return t.err
}

// flushUntilDone writes whatever waits, until t is among it.
func (s *Store) flushUntilDone(ctx context.Context, t *transition) {
	for {
		select {
		case <-t.done:
			return
		default:
		}
		// Those whose transaction has just ended may have their next transition ready: without this they
		// would miss this one by microseconds, and every second transaction would hold a single transition.
		runtime.Gosched()
		s.writeBatch(ctx, s.queue.nextBatch())
	}
}

// writeBatch gives each transition its result. When a statement fails among the changes of several, each is
// written by itself: what is wrong with one is the trouble of its caller alone. A failed commit is not tried
// again: it may have happened.
func (s *Store) writeBatch(ctx context.Context, all []*transition) {
	bounded, cancel := s.withTxTimeout(ctx)
	defer cancel()
	tx, err := s.beginTx(bounded)
	if err != nil {
		deliverResults(all, err)
		return
	}
	defer tx.rollback()
	log, err := s.applyTransitions(bounded, tx, all)
	if err != nil && len(all) > 1 && bounded.Err() == nil {
		tx.rollback() // its connection is needed
		for _, t := range all {
			s.writeBatch(ctx, []*transition{t})
		}
		return
	}
	if err == nil {
		err = s.commitEntries(bounded, tx, log, all)
	}
	deliverResults(all, err)
}

func deliverResults(all []*transition, err error) {
	for _, t := range all {
		switch {
		case err != nil:
			t.err = err
		case !t.guarded.matched:
			t.err = confirm.ErrMoved
		}
		close(t.done)
	}
}
