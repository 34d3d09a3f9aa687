package confirm_test

// canonical returns the state that stands for all that behave as s does. They differ in the names of the replicas, or in
// the past of a change that has ended for ever.
func (s system) canonical() system {
	for c := range s.changes {
		change := &s.changes[c]
		if change.state.settled() && change.request != onTheWay && s.runs[0][c].phase == idle && s.runs[1][c].phase == idle {
			*change = modelChange{state: change.state, owner: noOwner, request: change.request, again: change.again}
		}
		if change.state == inPending || (change.state == inUnknown && change.age == ageLapsed) {
			change.age = ageNew // nothing depends on it
		}
		for r := range s.runs {
			run := &s.runs[r][c]
			run.recent = run.recent && run.phase >= toCompare && run.phase <= toCheck
			run.newStale = run.newStale && run.phase == toRecordAgain
		}
	}
	if !lessRuns(&s.runs[1], &s.runs[0]) {
		return s
	}
	s.runs[0], s.runs[1] = s.runs[1], s.runs[0]
	s.vote.replica = 1 - s.vote.replica
	if !s.vote.active {
		s.vote.replica = 0
	}
	for i := range s.changes {
		if c := &s.changes[i]; c.owner < replicas {
			c.owner = 1 - c.owner
		}
	}
	return s
}

// lessRuns orders the memories of replicas.
func lessRuns(a, b *[2]modelRun) bool {
	for c := range a {
		if x, y := a[c].order(), b[c].order(); x != y {
			return x < y
		}
	}
	return false
}

func (r *modelRun) order() (n int) {
	n = int(r.phase)<<8 | int(r.outcome)
	for _, bit := range [...]bool{r.stale, r.newStale, r.recent, r.altered} {
		if n <<= 1; bit {
			n++
		}
	}
	return n
}
