package confirm_test

import (
	"math/rand/v2"
	"slices"
)

// isReplayed reports whether a step is replayed on Gates. Removing an approver is not: the policy of a Gate never changes,
// so that it takes Gates of its own (see the tests of standing).
func isReplayed(kind stepKind) bool { return kind != removeApprover }

// choose returns a random step: more often work than a fault, and seldom that time passes. It omits most steps without
// effect. It returns false if nothing is left to do.
func choose(p protocol, s *system, rng *rand.Rand) (step, bool) {
	var work, faults, time []step
	p.steps(s, func(at step) {
		idles := p.apply(*s, at) == *s
		switch {
		case !isReplayed(at.kind):
		case p.isFault(s, at):
			faults = append(faults, at)
		case idles && rng.IntN(8) > 0:
		case at.passesTime():
			time = append(time, at)
		default:
			work = append(work, at)
		}
	})
	from := work
	switch n := rng.IntN(10); {
	case n < 2 && len(faults) > 0:
		from = faults
	case (n == 2 || len(work) == 0) && len(time) > 0:
		from = time
	}
	if len(from) == 0 {
		return step{}, false
	}
	kinds := kindsOf(from) // rare kinds as often as common ones
	kind := kinds[rng.IntN(len(kinds))]
	from = slices.DeleteFunc(from, func(at step) bool { return at.kind != kind })
	return from[rng.IntN(len(from))], true
}

// kindsOf returns the kinds of these steps, each once.
func kindsOf(steps []step) (kinds []stepKind) {
	for _, at := range steps {
		if !slices.Contains(kinds, at.kind) {
			kinds = append(kinds, at.kind)
		}
	}
	return kinds
}
