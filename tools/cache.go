package tools

import (
	"context"
	"strconv"
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
	read func(context.Context, readRequest) (T, error)
	ttl  time.Duration
	now  func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	value  T
	until  time.Time
}

// readRequest is a read of Defender: on whose behalf, and with which priority.
type readRequest struct {
	by   Caller
	kind defender.CallKind
}

// load returns the value, reading it if it is too old. It returns the cause of ctx's end once ctx is done, while a
// read that has begun continues for other callers. Callers of different kinds do not share a read: a plan must not wait
// for the turn of an ordinary read.
func (c *cached[T]) load(ctx context.Context, r readRequest) (T, error) {
	c.mu.Lock()
	value, fresh := c.value, c.now().Before(c.until)
	c.mu.Unlock()
	if fresh {
		return value, nil
	}
	result := c.flight.DoChan(strconv.Itoa(int(r.kind)), func() (any, error) {
		ctx, cancel := context.WithTimeout(detach(ctx), readTimeout)
		defer cancel()
		value, err := c.read(ctx, r)
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
	vaultField  *cached[string]                   // the declared spelling of keyVaultUrl: the same for every caller
}

func newLiveData(cfg Config) *liveData {
	return &liveData{
		definitions: newCallerCache(cfg, readWith(cfg, (*defender.Client).Definitions)),
		scanners:    newCallerCache(cfg, readWith(cfg, (*defender.Client).Scanners)),
		vaultField:  &cached[string]{read: readWith(cfg, (*defender.Client).KeyVaultField), now: cfg.Now, ttl: noExpiry},
	}
}

// forPlans returns the same lists, read with the priority of plans.
func (l *liveData) forPlans() *liveData {
	return &liveData{definitions: l.definitions.forPlans(), scanners: l.scanners.forPlans(), vaultField: l.vaultField}
}

// readWith adapts a read of Defender.
func readWith[T any](cfg Config, read func(*defender.Client, context.Context, defender.Actor) (T, error)) func(context.Context, readRequest) (T, error) {
	return func(ctx context.Context, r readRequest) (T, error) {
		return read(cfg.Reader.ForCalls(r.kind), ctx, r.by.defenderActor())
	}
}
