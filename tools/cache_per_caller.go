package tools

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"

	"scanwarden/defender"
)

// maxCacheEntries bounds how many callers' lists are kept at a time. The least recently used one is dropped first.
const maxCacheEntries = 64

// callerCache caches a list as Defender shows it. Where reads run on behalf of users, their rights in Defender
// differ: each caller has an entry of their own and never sees what was read for another. Elsewhere all callers share
// one.
type callerCache[T any] struct {
	cfg     Config
	kind    defender.CallKind // of its reads
	read    func(context.Context, readRequest) ([]T, error)
	entries *lru.Cache[Caller, *cached[[]T]]
}

func newCallerCache[T any](cfg Config, read func(context.Context, readRequest) ([]T, error)) *callerCache[T] {
	entries, err := lru.New[Caller, *cached[[]T]](maxCacheEntries)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &callerCache[T]{cfg: cfg, read: read, entries: entries}
}

// load returns the list as the caller may see it.
func (c *callerCache[T]) load(ctx context.Context, by Caller) ([]T, error) {
	var key Caller
	if c.cfg.PerCaller {
		key = by
	}
	return c.entryFor(key).load(ctx, readRequest{by, c.kind})
}

// forPlans returns the same cache, whose reads have the priority of plans.
func (c *callerCache[T]) forPlans() *callerCache[T] {
	planning := *c
	planning.kind = defender.PlanCall
	return &planning
}

// entryFor returns the entry of a key, and makes one if there is none. An entry that is dropped while a caller waits
// for it still answers that caller.
func (c *callerCache[T]) entryFor(key Caller) *cached[[]T] {
	if entry, ok := c.entries.Get(key); ok {
		return entry
	}
	entry := &cached[[]T]{read: c.read, ttl: cacheTTL, now: c.cfg.Now}
	if earlier, ok, _ := c.entries.PeekOrAdd(key, entry); ok {
		return earlier
	}
	return entry
}

// invalidate makes the next load of every caller read again. A read on its way answers the callers that wait for it,
// and is not kept.
func (c *callerCache[T]) invalidate() { c.entries.Purge() }
