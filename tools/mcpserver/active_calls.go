package mcpserver

import (
	"context"
	"fmt"
	"sync"
)

// activeCalls counts tool calls.
type activeCalls struct {
	mu      sync.Mutex
	entered int           // calls that have started, including ended ones
	active  int           // calls that run now
	changed chan struct{} // closed and set to nil at every change; nil if no call of waitIdle waits
}

// enter counts a call until leave is called.
func (c *activeCalls) enter() (leave func()) {
	c.add(1, 1)
	return func() { c.add(0, -1) }
}

// pause does not count a call as active until resume is called: it waits for an approver.
func (c *activeCalls) pause() (resume func()) {
	c.add(0, -1)
	return func() { c.add(0, 1) }
}

func (c *activeCalls) add(entered, active int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entered += entered
	c.active += active
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// waitIdle waits until at least n calls have started and none is active. It returns an error if ctx ends first.
func (c *activeCalls) waitIdle(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		if c.entered >= n && c.active == 0 {
			c.mu.Unlock()
			return nil
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for calls to end: %w", ctx.Err())
		}
	}
}
