package store

import (
	"slices"
	"sync"
)

// waitQueue holds the waiting calls of this process. Calls of a higher kind go first. Among calls of one kind, callers
// take turns (start-time fair queueing): each call gets a round when it is added, one more than the round of its
// caller's newest call, and lower rounds go first.
type waitQueue struct {
	mu      sync.Mutex
	waiters []*waiter
	added   int64 // how many waiters were added
	turns   [callKinds]turns
}

// turns are the rounds of the waiting calls of one kind.
type turns struct {
	current int64            // of the call that was served last
	newest  map[string]int64 // by caller; nil if no call of this kind waits
}

type waiter struct {
	call         Call
	round, place int64 // place numbers the waiters as they were added
}

// addWaiter adds a call. A caller without waiting calls starts in the current round.
func (q *waitQueue) addWaiter(c Call) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &q.turns[c.Kind]
	if t.newest == nil {
		t.newest = map[string]int64{}
	}
	w := &waiter{call: c, round: t.current, place: q.added}
	if newest, known := t.newest[c.Caller]; known {
		w.round = max(t.current, newest+1)
	}
	t.newest[c.Caller] = w.round
	q.added++
	q.waiters = append(q.waiters, w)
	return w
}

// serve removes w, whose call is made.
func (q *waitQueue) serve(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turns[w.call.Kind].current = w.round
	q.remove(w)
}

// restore returns w to its place after serve: its call is not made after all.
func (q *waitQueue) restore(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters = append(q.waiters, w)
}

// leave removes w if it still waits. The later calls of its caller move up by a round, so that calls that were given
// up cost the caller nothing.
func (q *waitQueue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.remove(w) {
		return
	}
	for _, other := range q.waiters {
		if other.call == w.call && other.round > w.round {
			other.round--
		}
	}
	if newest := q.turns[w.call.Kind].newest; newest != nil {
		newest[w.call.Caller]--
	}
}

// remove removes w and reports whether it was there. The rounds of a kind begin anew when none of its calls waits.
func (q *waitQueue) remove(w *waiter) bool {
	i := slices.Index(q.waiters, w)
	if i < 0 {
		return false
	}
	q.waiters = slices.Delete(q.waiters, i, i+1)
	if !slices.ContainsFunc(q.waiters, func(other *waiter) bool { return other.call.Kind == w.call.Kind }) {
		q.turns[w.call.Kind] = turns{}
	}
	return true
}

// waitingBefore returns how many waiters go before w.
func (q *waitQueue) waitingBefore(w *waiter) (n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, other := range q.waiters {
		if other.goesBefore(w) {
			n++
		}
	}
	return n
}

// goesBefore reports whether w is to be served before other.
func (w *waiter) goesBefore(other *waiter) bool {
	switch {
	case w.call.Kind != other.call.Kind:
		return w.call.Kind > other.call.Kind
	case w.round != other.round:
		return w.round < other.round
	}
	return w.place < other.place
}
