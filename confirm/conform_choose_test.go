package confirm_test

import (
	"math/rand/v2"
	"slices"
)

// isReplayed reports whether the Gate has the guards that the model has for this step. The claim does not check the
// standing of approvers yet. Once it does, let Config.Standing refuse bob after this step, and replay all steps.
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
