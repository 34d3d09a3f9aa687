package confirm_test

// apply returns the state after a step that is possible in s.
func (p protocol) apply(s system, at step) system {
	if s.faults > 0 && p.isFault(&s, at) {
		s.faults--
	}
	c := &s.changes[at.change]
	switch at.kind {
	case propose, proposeAgain:
		p.propose(&s, at)
	case withdraw:
		s.moveTo(at.change, inWithdrawn)
	case vote:
		p.recordVote(&s, p.evaluate(&s, at), at.commit)
	case slowVote:
		s.vote = p.evaluate(&s, at)
	case recordVote:
		evaluated := s.vote
		s.vote = modelVote{}
		p.recordVote(&s, evaluated, at.commit)
	case arrive:
		p.arrive(&s, at.change)
	case refuse:
		c.request = refused
	case startApproved, recovery, slowRecovery, goOn:
		p.recover(&s, at)
	case crash:
		s.runs[at.replica] = [2]modelRun{}
		if s.vote.replica == at.replica {
			s.vote = modelVote{}
		}
		for i := range s.changes {
			if s.changes[i].owner == at.replica {
				s.changes[i].owner = deadOwner
			}
		}
	case edit:
		p.edit(&s)
	case removeApprover:
		s.removed = true
	case alter:
		c.altered = true
	case passLease, passGrace, passExpiry, passDay:
		pass(&s, at.kind)
	default:
		p.run(&s, at)
	}
	return s
}

// propose inserts a change, unless one with the same request and snapshot is open: see insertOrJoin.
func (p protocol) propose(s *system, at step) {
	first, c := &s.changes[0], &s.changes[at.change]
	open := first.state == inExecuting || ((first.state == inPending || first.state == inApproved) && !first.overdue)
	if at.kind == proposeAgain && open && first.snapshot == s.live {
		switch altered := first.altered && p.has(digestGuard); {
		case altered && first.state != inPending, !altered && p.has(joinGuard):
			return
		case !altered: // nobody can confirm an altered one
			s.broken = oneQuestion
		}
	}
	if at.commit == lostDropped {
		return
	}
	*c = modelChange{state: inPending, owner: noOwner, snapshot: s.live, again: at.kind == proposeAgain}
	c.denied = at.commit == lostCommitted && !p.has(lostAnswerGuard)
}

// evaluate returns the vote that a click makes, or none if it is refused: see authorizer.evaluateVote.
func (p protocol) evaluate(s *system, at step) modelVote {
	c := &s.changes[at.change]
	removed := at.voter == 0 && s.removed
	tampered := c.altered && p.has(digestGuard)
	if c.state != inPending || removed || tampered || (p.has(distinctVotes) && c.votes[at.voter] > 0) {
		return modelVote{}
	}
	to := inPending
	if p.count(s, at.change, true)+1 >= s.needed(at.change) {
		to = inApproved
	}
	return modelVote{active: true, replica: at.replica, change: at.change, voter: at.voter, to: to, altered: c.altered}
}

// count returns how many approvals of change c count, as the code counts them. With standing, those of removed approvers
// do not.
func (p protocol) count(s *system, c uint8, standing bool) (n int) {
	for v, votes := range s.changes[c].votes {
		switch {
		case votes == 0 || (standing && v == 0 && s.removed):
		case p.has(distinctVotes):
			n++
		default:
			n += int(votes)
		}
	}
	return n
}

// authorized reports whether enough distinct approvers of change c are allowed now. It is what the guarantee means,
// and uses no guard.
func (s *system) authorized(c uint8) bool {
	distinct := 0
	for v, votes := range s.changes[c].votes {
		if votes > 0 && (v != 0 || !s.removed) {
			distinct++
		}
	}
	return distinct >= s.needed(c)
}

// recordVote makes the move of a vote, and starts the change if it is approved: see Gate.updatePending.
func (p protocol) recordVote(s *system, v modelVote, result commit) {
	c := &s.changes[v.change]
	switch {
	case !v.active || result == lostDropped:
		return
	case v.stale: // the expiry is checked at the time of the vote, however slow the ledger is
		if c.overdue && c.state == inPending {
			s.moveTo(v.change, inExpired) // readPending expires it
		}
		again := p.evaluate(s, step{replica: v.replica, change: v.change, voter: v.voter})
		p.recordVote(s, again, result)
		return
	}
	c.votes[v.voter]++
	s.moveTo(v.change, v.to)
	switch {
	case result == lostCommitted:
		c.denied = c.denied || !p.has(lostAnswerGuard)
	case v.to == inApproved:
		s.runs[v.replica][v.change] = modelRun{phase: toClaim, altered: v.altered}
	}
}

// arrive applies a request in Defender.
func (p protocol) arrive(s *system, at uint8) {
	c := &s.changes[at]
	c.request = arrived
	if s.live != c.snapshot && !c.raced {
		s.broken = comparedState
	}
	s.live = s.value(at)
}

// edit sets the scan to a value that no change writes.
func (p protocol) edit(s *system) {
	s.live = edited
	for c := range s.changes {
		change := &s.changes[c]
		compared := change.request == onTheWay
		for r := range s.runs {
			run := s.runs[r][c].phase
			compared = compared || (run >= toBaseline && run <= toSend)
		}
		change.raced = change.raced || compared
	}
}

// pass lets time pass for everything.
func pass(s *system, kind stepKind) {
	age := [...]uint8{ageLapsed, ageSettling, ageSettling, ageLimit}[kind-passLease]
	for i := range s.changes {
		c := &s.changes[i]
		if c.state == absent {
			continue
		}
		if !c.state.settled() {
			c.age = max(c.age, age)
		}
		c.overdue = c.overdue || kind == passExpiry || kind == passDay
	}
	for r := range s.runs {
		for c := range s.runs[r] {
			s.runs[r][c].recent = false
		}
	}
}
