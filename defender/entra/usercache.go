package entra

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	maxUsers = 1000 // users with cached tokens, each with an MSAL client of about 10 KB
	maxIdle  = 12 * time.Hour
)

// userKey is the SHA-256 of the token that a user called with. Another token of the same user has another key.
type userKey [sha256.Size]byte

// userCache keeps the clients of the users seen last.
type userCache struct {
	mu      sync.Mutex
	order   *list.List // of *cacheEntry, the last used first
	entries map[userKey]*list.Element
}

type cacheEntry struct {
	key      userKey
	client   *userClient
	lastUsed time.Time
}

func newUserCache() *userCache {
	return &userCache{order: list.New(), entries: map[userKey]*list.Element{}}
}

// get returns the client of key, or nil.
func (r *userCache) get(key userKey) *userClient {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evict()
	at, known := r.entries[key]
	if !known {
		return nil
	}
	r.order.MoveToFront(at)
	v := at.Value.(*cacheEntry)
	v.lastUsed = time.Now()
	return v.client
}

// put replaces the client of key.
func (r *userCache) put(key userKey, next *userClient) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(key, next)
}

// compareAndSwap replaces the client of key by next if it is still current. nil means none, for both.
func (r *userCache) compareAndSwap(key userKey, current, next *userClient) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var has *userClient
	if at, known := r.entries[key]; known {
		has = at.Value.(*cacheEntry).client
	}
	if has == current {
		r.set(key, next)
	}
}

func (r *userCache) set(key userKey, next *userClient) {
	if at, known := r.entries[key]; known {
		r.order.Remove(at)
		delete(r.entries, key)
	}
	if next != nil {
		r.entries[key] = r.order.PushFront(&cacheEntry{key, next, time.Now()})
	}
	r.evict()
}

// evict drops the entries beyond maxUsers and those unused for maxIdle.
func (r *userCache) evict() {
	for at := r.order.Back(); at != nil; at = r.order.Back() {
		v := at.Value.(*cacheEntry)
		if r.order.Len() <= maxUsers && time.Since(v.lastUsed) <= maxIdle {
			return
		}
		r.order.Remove(at)
		delete(r.entries, v.key)
	}
}
