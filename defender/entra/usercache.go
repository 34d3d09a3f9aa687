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

// user is the SHA-256 of the token that a user called with; another token makes another user.
type user [sha256.Size]byte

// recent keeps what was exchanged for the users seen last.
type recent struct {
	mu     sync.Mutex
	latest *list.List // of *visit, the last seen first
	byUser map[user]*list.Element
}

type visit struct {
	who  user
	has  *exchanged
	seen time.Time
}

func newRecent() *recent {
	return &recent{latest: list.New(), byUser: map[user]*list.Element{}}
}

// get returns what who has, or nil.
func (r *recent) get(who user) *exchanged {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	at, known := r.byUser[who]
	if !known {
		return nil
	}
	r.latest.MoveToFront(at)
	v := at.Value.(*visit)
	v.seen = time.Now()
	return v.has
}

// put gives who something in place of whatever they have.
func (r *recent) put(who user, next *exchanged) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(who, next)
}

// swap gives who something, or nothing (nil), if they still have current, which nil means nothing by, too.
func (r *recent) swap(who user, current, next *exchanged) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var has *exchanged
	if at, known := r.byUser[who]; known {
		has = at.Value.(*visit).has
	}
	if has == current {
		r.set(who, next)
	}
}

func (r *recent) set(who user, next *exchanged) {
	if at, known := r.byUser[who]; known {
		r.latest.Remove(at)
		delete(r.byUser, who)
	}
	if next != nil {
		r.byUser[who] = r.latest.PushFront(&visit{who, next, time.Now()})
	}
	r.forget()
}

// forget drops those who are too many or were not seen for too long.
func (r *recent) forget() {
	for at := r.latest.Back(); at != nil; at = r.latest.Back() {
		v := at.Value.(*visit)
		if r.latest.Len() <= maxUsers && time.Since(v.seen) <= maxIdle {
			return
		}
		r.latest.Remove(at)
		delete(r.byUser, v.who)
	}
}
