package tools

import (
	"context"
	"sync"
	"time"
)

// mostViews bounds how many callers' lists are kept at a time; whoever has not asked for the longest goes first.
const mostViews = 64

// views is a list as Defender shows it: the same for everybody, or where reads run on behalf of users, whose rights
// in Defender differ, one for each. No caller ever sees what was read for another.
type views[T any] struct {
	read      func(context.Context, Caller) ([]T, error)
	now       func() time.Time
	perCaller bool

	mu    sync.Mutex
	kept  map[Caller]*view[T]
	turns uint64 // counts the questions, for the order in which views go
}

type view[T any] struct {
	cached[[]T]
	asked uint64 // the turn of the last question; guarded by views.mu
}

// get returns the list as the caller may see it.
func (v *views[T]) get(ctx context.Context, by Caller) ([]T, error) {
	var viewer Caller
	if v.perCaller {
		viewer = by
	}
	return v.of(viewer).get(ctx, by)
}

func (v *views[T]) of(viewer Caller) *view[T] {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept == nil {
		v.kept = map[Caller]*view[T]{}
	}
	own, ok := v.kept[viewer]
	if !ok {
		v.makeRoom()
		own = &view[T]{cached: cached[[]T]{read: v.read, lifetime: lifetime, now: v.now}}
		v.kept[viewer] = own
	}
	v.turns++
	own.asked = v.turns
	return own
}

// makeRoom drops the view that nobody has asked for the longest. Who waits for it still gets it.
func (v *views[T]) makeRoom() {
	if len(v.kept) < mostViews {
		return
	}
	var oldest Caller
	least := v.turns + 1
	for viewer, view := range v.kept {
		if view.asked < least {
			oldest, least = viewer, view.asked
		}
	}
	delete(v.kept, oldest)
}

// forget makes the next get of everybody read anew; a read that is on its way is kept by nobody.
func (v *views[T]) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kept = nil
}
