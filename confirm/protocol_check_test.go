package confirm_test

import (
	"fmt"
	"hash/maphash"
	"strings"
)

// checker explores all states of a protocol, breadth first, so that the first trace to a broken guarantee is a shortest
// one. States that differ only in the names of the replicas are one state.
type checker struct {
	protocol
	states  []system
	parents []int32
	seed    maphash.Seed
	known   map[uint64]struct{} // hashes of states: two in a million million states may be taken for one
	ending  map[uint64]struct{} // hashes of states from which everything ends
	tried   int
}

// explore returns the index of the first state that breaks a guarantee, or -1 if none does.
func (c *checker) explore(start system) int32 {
	c.seed, c.known, c.ending = maphash.MakeSeed(), map[uint64]struct{}{}, map[uint64]struct{}{}
	c.add(start, -1)
	for i := int32(0); i < int32(len(c.states)); i++ {
		from := c.states[i]
		if found := c.examine(&from); found != kept {
			c.states[i].broken = found
			return i
		}
		broken := int32(-1)
		c.steps(&from, func(at step) {
			c.tried++
			if to := c.apply(from, at); c.add(to, i) && to.broken != kept && broken < 0 {
				broken = int32(len(c.states)) - 1
			}
		})
		if broken >= 0 {
			return broken
		}
	}
	return -1
}

// add adds a state unless it is known. It reports whether it is new.
func (c *checker) add(s system, parent int32) bool {
	s = s.canonical()
	hash := maphash.Comparable(c.seed, s)
	if _, known := c.known[hash]; known {
		return false
	}
	c.known[hash] = struct{}{}
	c.states, c.parents = append(c.states, s), append(c.parents, parent)
	return true
}

// examine returns the guarantee that a state breaks by itself.
func (c *checker) examine(s *system) guarantee {
	for i := range s.changes {
		change := &s.changes[i]
		if change.state.settled() && change.state != inApplied && change.request == arrived {
			return trueFailure
		}
	}
	if !c.ends(*s) {
		return everEnds
	}
	return kept
}

// maxEnding bounds how many steps it takes until everything has ended.
const maxEnding = 80

// ends reports whether all changes end if no more faults happen: each is final, or of unknown outcome.
func (c *checker) ends(s system) bool {
	var passed [maxEnding]uint64
	for n := range passed {
		passed[n] = maphash.Comparable(c.seed, s)
		if _, known := c.ending[passed[n]]; known || s.ended() {
			for _, hash := range passed[:n+1] {
				c.ending[hash] = struct{}{}
			}
			return true
		}
		next, ok := c.progress(s)
		if !ok {
			return false
		}
		s = next
	}
	return false
}

func (s *system) ended() bool {
	for i := range s.changes {
		if state := s.changes[i].state; !state.settled() && state != inUnknown && state != absent {
			return false
		}
	}
	return true
}

// progress returns the state after one step that is no fault and asks no person. It prefers work to time, and lets time
// pass without end.
func (c *checker) progress(s system) (system, bool) {
	next, found := s, false
	c.steps(&s, func(at step) {
		if found || at.kind == propose || at.kind == vote || at.passesTime() || c.isFault(&s, at) {
			return
		}
		if to := c.apply(s, at); to != s {
			next, found = to, true
		}
	})
	for kind := passLease; !found && kind <= passDay; kind++ {
		next = c.apply(s, step{kind: kind})
		next.faults = s.faults
		found = next != s
	}
	return next, found
}

// path returns the steps to a state, and the states after them. It follows the names of the replicas, which differ
// between the states that were explored.
func (c *checker) path(found int32) (taken []step, after []system) {
	var explored []system
	for i := found; i >= 0; i = c.parents[i] {
		explored = append(explored, c.states[i])
	}
	at := explored[len(explored)-1]
	for i := len(explored) - 2; i >= 0; i-- {
		want := explored[i]
		want.broken = kept
		var by step
		next, reached := at, false
		c.steps(&at, func(s step) {
			to := c.apply(at, s)
			to.broken = kept
			if !reached && to.canonical() == want {
				next, by, reached = to, s, true
			}
		})
		at = next
		taken, after = append(taken, by), append(after, at)
	}
	return taken, after
}

// trace returns the steps to a state as text, one a line, with the state of the changes after each.
func (c *checker) trace(found int32) string {
	var text strings.Builder
	taken, after := c.path(found)
	for i, s := range after {
		fmt.Fprintf(&text, "%3d. %-70s A %s, B %s, scan %d\n", i+1, taken[i],
			recordedNames[s.changes[0].state], recordedNames[s.changes[1].state], s.live)
	}
	return text.String() + "     broken: " + c.states[found].broken.String()
}
