package tools

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"scanwarden/defender"
)

const (
	// cacheTTL bounds how old a list may be that plans and answers are made from. A confirmed change is compared with
	// a new list before it is sent, so that an old one costs a new plan and nothing else.
	cacheTTL = 5 * time.Second
	// readTimeout bounds one read on behalf of all callers that wait for it. The rate limit may make it queue.
	readTimeout = 2 * time.Minute
	noExpiry    = 1<<63 - 1
)

// cached is a value that is read from Defender at most once in its time to live. Its callers share the value and
// must not alter it.
type cached[T any] struct {
	read func(context.Context, Caller) (T, error)
	ttl  time.Duration
	now  func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	value  T
	until  time.Time
}

// load returns the value, reading it if it is too old. It returns the cause of ctx's end once ctx is done, while a
// read that has begun continues for other callers.
func (c *cached[T]) load(ctx context.Context, by Caller) (T, error) {
	c.mu.Lock()
	value, fresh := c.value, c.now().Before(c.until)
	c.mu.Unlock()
	if fresh {
		return value, nil
	}
	result := c.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(detach(ctx), readTimeout)
		defer cancel()
		value, err := c.read(ctx, by)
		if err == nil {
			c.setValue(value)
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

func (c *cached[T]) setValue(value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.value, c.until = value, c.now().Add(c.ttl)
}

// liveData caches Defender's lists for cacheTTL.
type liveData struct {
	definitions *callerCache[defender.Definition] // by name, then id
	scanners    *callerCache[defender.Scanner]    // by name, then machine id
	vaultField  cached[string]                    // the declared spelling of keyVaultUrl: the same for every caller
}

func newLiveData(cfg Config) *liveData {
	r := cfg.Reader
	return &liveData{
		definitions: newCallerCache(cfg, readAs(r.Definitions)),
		scanners:    newCallerCache(cfg, readAs(r.Scanners)),
		vaultField:  cached[string]{read: readAs(r.KeyVaultField), now: cfg.Now, ttl: noExpiry},
	}
}

// readAs adapts a read of Defender to callers.
func readAs[T any](read func(context.Context, defender.Actor) (T, error)) func(context.Context, Caller) (T, error) {
	return func(ctx context.Context, by Caller) (T, error) { return read(ctx, by.defenderActor()) }
}
