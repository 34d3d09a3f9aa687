package auth

import (
	"crypto/sha256"
	"maps"
	"sync"
	"time"
)

// mostRemembered bounds a memory. Only what Slack signed gets into one, and nobody talks to an assistant thousands
// of times in five minutes.
const mostRemembered = 4096

// memory knows what came, as long as it could come again. Its zero value is empty.
type memory struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

// recall is what a memory makes of something.
type recall int

const (
	unknown recall = iota // and now remembered
	known                 // it came before
	full                  // nothing can be forgotten yet to make room for it
)

// add remembers sum for as long as it is good for.
func (m *memory) add(sum [sha256.Size]byte, until time.Time) recall {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.until[sum]; ok {
		return known
	}
	if len(m.until) >= mostRemembered {
		now := time.Now()
		maps.DeleteFunc(m.until, func(_ [sha256.Size]byte, until time.Time) bool { return now.After(until) })
	}
	if len(m.until) >= mostRemembered {
		return full
	}
	if m.until == nil {
		m.until = map[[sha256.Size]byte]time.Time{}
	}
	m.until[sum] = until
	return unknown
}
