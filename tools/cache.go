package tools

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"scanwarden/defender"
)

const (
	// lifetime is how long a list is planned and answered from. What is confirmed is compared with a fresh
	// list before it is sent, so that an old one can cost a new plan and nothing else.
	lifetime = 5 * time.Second
	// patience bounds one read on behalf of all who wait for it: the call budget may make it queue.
	patience = 2 * time.Minute
	forever  = 1<<63 - 1
)

// cached is a value that is read from Defender at most once per lifetime however many ask. What it returns is
// shared: nobody may alter it.
type cached[T any] struct {
	read     func(context.Context, Caller) (T, error)
	lifetime time.Duration
	now      func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	value  T
	until  time.Time
}

// get returns the value, at the latest when ctx ends. A read that has begun goes on for the others.
func (c *cached[T]) get(ctx context.Context, by Caller) (T, error) {
	c.mu.Lock()
	value, fresh := c.value, c.now().Before(c.until)
	c.mu.Unlock()
	if fresh {
		return value, nil
	}
	result := c.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(detached(ctx), patience)
		defer cancel()
		value, err := c.read(ctx, by)
		if err == nil {
			c.keep(value)
		}
		return value, err
	})
	select {
	case r := <-result:
		return r.Val.(T), r.Err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

func (c *cached[T]) keep(value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.value, c.until = value, c.now().Add(c.lifetime)
}

// live is what Defender says now, some seconds old at most.
type live struct {
	definitions views[defender.Definition] // by name, then id
	scanners    views[defender.Scanner]    // by name, then machine id
	vaultField  cached[string]             // the declared spelling of keyVaultUrl: the same for everybody
}

func newLive(cfg Config) *live {
	r := cfg.Reader
	return &live{
		definitions: views[defender.Definition]{read: onBehalf(r.Definitions), now: cfg.Now, perCaller: cfg.PerCaller},
		scanners:    views[defender.Scanner]{read: onBehalf(r.Scanners), now: cfg.Now, perCaller: cfg.PerCaller},
		vaultField:  cached[string]{read: onBehalf(r.KeyVaultField), now: cfg.Now, lifetime: forever},
	}
}

// onBehalf adapts a read of Defender to callers.
func onBehalf[T any](read func(context.Context, defender.Actor) (T, error)) func(context.Context, Caller) (T, error) {
	return func(ctx context.Context, by Caller) (T, error) { return read(ctx, by.actor()) }
}
