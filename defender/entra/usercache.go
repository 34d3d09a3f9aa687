package entra

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	maxUsers = 1000 // of whom tokens are kept, each with a client of some 10 KB
	maxIdle  = 12 * time.Hour
)

// userKey is the SHA-256 of the token that a user called with; another token makes another user.
type userKey [sha256.Size]byte

// userCache keeps what was exchanged for the users seen last.
type userCache struct {
	mu     sync.Mutex
	order *list.List // of *visit, the last seen first
	entries map[userKey]*list.Element
}

type cacheEntry struct {
	key  userKey
	client  *userClient
	lastUsed time.Time
}

func newUserCache() *userCache {
	return &userCache{order: list.New(), entries: map[userKey]*list.Element{}}
}

// get returns what who has, or nil.
func (r *userCache) get(who userKey) *userClient {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evict()
	at, known := r.entries[who]
	if !known {
		return nil
	}
	r.order.MoveToFront(at)
	v := at.Value.(*cacheEntry)
	v.lastUsed = time.Now()
	return v.client
}

// put gives who something in place of whatever they have.
func (r *userCache) put(who userKey, next *userClient) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(who, next)
}

// compareAndSwap gives who something, or nothing (nil), if they still have current, which nil means nothing by, too.
func (r *userCache) compareAndSwap(who userKey, current, next *userClient) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var has *userClient
	if at, known := r.entries[who]; known {
		has = at.Value.(*cacheEntry).client
	}
	if has == current {
		r.set(who, next)
	}
}

func (r *userCache) set(who userKey, next *userClient) {
	if at, known := r.entries[who]; known {
		r.order.Remove(at)
		delete(r.entries, who)
	}
	if next != nil {
		r.entries[who] = r.order.PushFront(&cacheEntry{who, next, time.Now()})
	}
	r.evict()
}

// evict drops those who are too many or were not seen for too long.
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
