package store

import (
	"context"
	"time"
)

// Writing reports how many callers hold the turn to write: 0 or 1.
func (s *Store) Writing() int { return len(s.queue.turn) }

// SetClock replaces the clock of a budget.
func (b *Budget) SetClock(now func() time.Time, sleep func(context.Context, time.Duration) error) {
	b.now, b.sleep = now, sleep
}
