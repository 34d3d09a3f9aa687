package auth

import (
	"crypto/sha256"
	"maps"
	"sync"
	"time"
)

// maxReplays bounds a replayCache. Only requests that Slack signed are added, and no user calls an assistant
// thousands of times in five minutes.
const maxReplays = 4096

// replayCache detects replayed requests. It remembers each request until its signature expires. The zero value is
// empty and ready for use.
//
// An LRU cache does not fit: when it is full, it evicts the oldest entry, and that request could be replayed before
// its signature expires. A replayCache that is full refuses new requests instead.
type replayCache struct {
	mu      sync.Mutex
	expires map[[sha256.Size]byte]time.Time
}

// replayResult is the result of replayCache.add.
type replayResult int

const (
	replayNew       replayResult = iota // the request is new and now remembered
	replaySeen                          // the request was added before
	replayCacheFull                     // no entry has expired yet that could make room
)

// add remembers digest until the given time and reports whether it was added before.
func (m *replayCache) add(digest [sha256.Size]byte, until time.Time) replayResult {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.expires[digest]; ok {
		return replaySeen
	}
	if len(m.expires) >= maxReplays {
		now := time.Now()
		maps.DeleteFunc(m.expires, func(_ [sha256.Size]byte, until time.Time) bool { return now.After(until) })
	}
	if len(m.expires) >= maxReplays {
		return replayCacheFull
	}
	if m.expires == nil {
		m.expires = map[[sha256.Size]byte]time.Time{}
	}
	m.expires[digest] = until
	return replayNew
}
