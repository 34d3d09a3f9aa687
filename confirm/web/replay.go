package web

import (
	"maps"
	"sync"
	"time"
)

// usedSignIns knows the attempts that were finished, until they are over. A browser is told to forget its attempt; who
// keeps it nevertheless could come back with it any number of times. Its zero value is empty. It needs no bound of
// its own: it grows no faster than sign-ins may be finished.
type usedSignIns struct {
	mu     sync.Mutex
	states map[string]int64 // when each is over, in Unix seconds
}

// markUsed is false for an attempt that is there already.
func (f *usedSignIns) markUsed(a pendingSignIn, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, again := f.states[a.State]; again {
		return false
	}
	maps.DeleteFunc(f.states, func(_ string, expires int64) bool { return expires <= now.Unix() })
	if f.states == nil {
		f.states = map[string]int64{}
	}
	f.states[a.State] = a.Expires
	return true
}

// forgetUse lets an attempt be finished after all.
func (f *usedSignIns) forgetUse(a pendingSignIn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.states, a.State)
}
