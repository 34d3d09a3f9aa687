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
	change *statement // a new change or link, or the guarded move of one; its guard did not match unless it hits
	then   *statement // what belongs to it when it hits: a proposal or a decision; nil for nothing
	entry  *entry
	done   chan struct{} // closed once err is the result
	err    error
}

// queue lets transitions that arrive while a transaction is being written share the next one: a commit waits
// for the disk, and only one writer at a time may append to the log anyway. There is no goroutine behind
// it: whoever gets the turn writes for all who wait.
type queue struct {
	turn chan struct{} // holds a token while somebody writes

	mu      sync.Mutex
	waiting []*transition
}

// batchSize bounds how many transitions share one transaction, and so how long the first of them waits.
const batchSize = 32

func (q *queue) add(t *transition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, t)
}

// take removes those who have waited longest.
func (q *queue) take() []*transition {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(batchSize, len(q.waiting))
	taken := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return taken
}

// drop takes t back; false means that somebody is writing it already.
func (q *queue) drop(t *transition) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, t)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// commit writes t with its audit entry, perhaps in one transaction with others. It fails with
// confirm.ErrMoved when t's guard does not match. Once writing has begun, it waits for the result although
// ctx ends: nobody has to guess whether their transition happened.
func (s *Store) commit(ctx context.Context, t *transition) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.done = make(chan struct{})
	s.queue.add(t)
	select {
	case s.queue.turn <- struct{}{}:
		defer func() { <-s.queue.turn }()
		s.lead(ctx, t)
	case <-t.done:
	case <-ctx.Done():
		if s.queue.drop(t) {
			return ctx.Err()
		}
		<-t.done
	}
	return t.err
}

// lead writes whatever waits, until t is among it.
func (s *Store) lead(ctx context.Context, t *transition) {
	for {
		select {
		case <-t.done:
			return
		default:
		}
		// Those whose transaction has just ended may have their next transition ready: without this they
		// would miss this one by microseconds, and every second transaction would hold a single transition.
		runtime.Gosched()
		s.settle(ctx, s.queue.take())
	}
}

// settle gives each transition its result. When a statement fails among the changes of several, each is
// written by itself: what is wrong with one is the trouble of its caller alone. A failed commit is not tried
// again: it may have happened.
func (s *Store) settle(ctx context.Context, all []*transition) {
	bounded, cancel := s.bounded(ctx)
	defer cancel()
	tx, err := s.begin(bounded)
	if err != nil {
		deliver(all, err)
		return
	}
	defer tx.rollback()
	log, err := s.perform(bounded, tx, all)
	if err != nil && len(all) > 1 && bounded.Err() == nil {
		tx.rollback() // its connection is needed
		for _, t := range all {
			s.settle(ctx, []*transition{t})
		}
		return
	}
	if err == nil {
		err = s.append(bounded, tx, log, all)
	}
	deliver(all, err)
}

func deliver(all []*transition, err error) {
	for _, t := range all {
		switch {
		case err != nil:
			t.err = err
		case !t.change.hit:
			t.err = confirm.ErrMoved
		}
		close(t.done)
	}
}
