package auth

import (
	"crypto/sha256"
	"maps"
	"sync"
	"time"
)

// maxReplays bounds a memory. Only what Slack signed gets into one, and nobody talks to an assistant thousands
// of times in five minutes.
const maxReplays = 4096

// replayCache knows what came, as long as it could come again. Its zero value is empty.
type replayCache struct {
	mu      sync.Mutex
	expires map[[sha256.Size]byte]time.Time
}

// replayResult is what a memory makes of something.
type replayResult int

const (
	replayNew       replayResult = iota // and now remembered
	replaySeen                          // it came before
	replayCacheFull                     // nothing can be forgotten yet to make room for it
)

// add remembers sum for as long as it is good for.
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
