package web

import (
	"maps"
	"sync"
	"time"
)

// usedSignIns holds the sign-ins that were finished, until they expire. A browser is asked to delete its cookie; one
// that keeps it could finish the same sign-in again and again. The zero value is empty. It needs no size limit: it
// grows no faster than the rate limit of finished sign-ins.
type usedSignIns struct {
	mu      sync.Mutex
	expires map[string]int64 // Unix seconds by state
}

// markUsed adds p and reports whether it was new.
func (u *usedSignIns) markUsed(p pendingSignIn, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, used := u.expires[p.State]; used {
		return false
	}
	maps.DeleteFunc(u.expires, func(_ string, expires int64) bool { return expires <= now.Unix() })
	if u.expires == nil {
		u.expires = map[string]int64{}
	}
	u.expires[p.State] = p.Expires
	return true
}

// forgetUse removes p, so that it can be finished later.
func (u *usedSignIns) forgetUse(p pendingSignIn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.expires, p.State)
}
