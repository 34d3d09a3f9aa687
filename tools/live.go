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
	read     func(context.Context) (T, error)
	lifetime time.Duration
	now      func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	value  T
	until  time.Time
	era    uint64 // moves on when everything before is forgotten
}

// get returns the value, at the latest when ctx ends. A read that has begun goes on for the others.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	value, fresh, era := c.value, c.now().Before(c.until), c.era
	c.mu.Unlock()
	if fresh {
		return value, nil
	}
	// The era is the flight's name, so that nobody who asks after forget joins a read from before it.
	result := c.flight.DoChan(strconv.FormatUint(era, 10), func() (any, error) {
		ctx, cancel := context.WithTimeout(detached(ctx), patience)
		defer cancel()
		value, err := c.read(ctx)
		if err == nil {
			c.keep(value, era)
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

func (c *cached[T]) keep(value T, era uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.era == era {
		c.value, c.until = value, c.now().Add(c.lifetime)
	}
}

// forget makes the next get read anew.
func (c *cached[T]) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.era++
	c.until = time.Time{}
}

// live is what Defender says now, some seconds old at most.
type live struct {
	definitions cached[[]defender.Definition] // by name, then id
	scanners    cached[[]defender.Scanner]    // by name, then machine id
	vaultField  cached[string]                // the declared spelling of keyVaultUrl
}

func newLive(reader *defender.Client, now func() time.Time) *live {
	l := &live{}
	l.definitions.read, l.scanners.read, l.vaultField.read = reader.Definitions, reader.Scanners, reader.KeyVaultField
	l.definitions.now, l.scanners.now, l.vaultField.now = now, now, now
	l.definitions.lifetime, l.scanners.lifetime, l.vaultField.lifetime = lifetime, lifetime, forever
	return l
}
