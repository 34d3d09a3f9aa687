package store

import (
	"context"
	"time"
)

// Writing reports how many callers hold the turn to write: 0 or 1.
func (s *Store) Writing() int { return len(s.queue.turn) }

// Waiting reports how many callers wait for somebody to write for them.
func (s *Store) Waiting() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.waiting)
}

// SetClock replaces the clock of a budget.
func (b *Budget) SetClock(now func() time.Time, sleep func(context.Context, time.Duration) error) {
	b.now, b.sleep = now, sleep
}
