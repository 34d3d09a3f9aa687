package confirm_test

import "testing"

// scenario is a first state, with the number of faults that may happen.
type scenario struct {
	name  string
	start system
	ours  bool // see protocol.ours
}

// The scenarios, each explored completely.
const (
	oneChange = iota
	twoApproved
	twoChanges
)

// newScenario returns a scenario with this number of faults.
func newScenario(which, faults int) scenario {
	s := newSystem(faults)
	switch which {
	case oneChange:
		s.changes[1].state = inWithdrawn
		return scenario{"one change", s, false}
	case twoApproved:
		for c := range s.changes {
			s.changes[c].state, s.changes[c].votes[1] = inApproved, 1
		}
		s.changes[0].votes[0] = 1
		return scenario{"two approved changes and our own faults", s, true}
	}
	return scenario{"two changes", s, false}
}

// explore returns the checker after it explored the scenario without a guard, and the state that breaks a guarantee.
func (s scenario) explore(without guard) (*checker, int32) {
	c := &checker{protocol: protocol{without: without, ours: s.ours}}
	return c, c.explore(s.start)
}

// TestTheProtocolKeepsTheGuarantees explores two replicas and two changes of one scan.
func TestTheProtocolKeepsTheGuarantees(t *testing.T) {
	t.Parallel()
	for which, faults := range []int{oneChange: 3, twoApproved: 2, twoChanges: 1} {
		s := newScenario(which, faults)
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			c, found := s.explore(noGuard)
			t.Logf("%d faults: %d states, %d steps", faults, len(c.states), c.tried)
			if found >= 0 {
				t.Errorf("a guarantee is broken:\n%s", c.trace(found))
			}
		})
	}
}

// TestEachPlantedFaultIsFound explores the protocol without one guard after the other, and prints a shortest trace to a
// broken guarantee. A fault that is not found means that the model does not see what the guard is for.
func TestEachPlantedFaultIsFound(t *testing.T) {
	t.Parallel()
	for without := noGuard + 1; without < guards; without++ {
		fault := plantedFaults[without]
		t.Run(fault.text, func(t *testing.T) {
			t.Parallel()
			c, found := newScenario(fault.scenario, fault.faults).explore(without)
			if found < 0 {
				t.Fatal("it was not found")
			}
			t.Logf("after %d states:\n%s", len(c.states), c.trace(found))
			if broken := c.states[found].broken; broken != fault.breaks {
				t.Errorf("it breaks %q first, want %q", broken, fault.breaks)
			}
		})
	}
}
