package confirm_test

// runKinds are the steps that an execution makes in each phase.
var runKinds = [...]stepKind{
	toClaim: claim, waitsTurn: takeTurn, seeksClaim: findClaim, toCompare: compareLive, toBaseline: recordBaseline,
	toCheck: checkLease, toSend: send, toAnswer: answer, toLook: look, toRecord: recordOutcome, toReread: reread,
	toRecordAgain: recordAgain,
}

// runSteps are the steps of one replica's execution of one change: see Gate.run.
func (p protocol) runSteps(s *system, at step, visit func(step)) {
	c, phase := &s.changes[at.change], s.runs[at.replica][at.change].phase
	at.kind = runKinds[phase]
	switch phase {
	case idle:
	case toClaim, toBaseline, toRecord, toRecordAgain:
		visitCommit(s, at, visit)
	case waitsTurn:
		if c.overdue {
			visitCommit(s, at, visit)
		} else if !s.busy(at.change) {
			visit(at)
		}
	case toAnswer:
		if c.request != onTheWay {
			visit(at)
		}
		if at.kind = loseAnswer; s.faults > 0 {
			visit(at)
		}
	default:
		visit(at)
	}
}

// busy reports whether the other change holds the key of change c: see insertClaim.
func (s *system) busy(c uint8) bool {
	other := &s.changes[1-c]
	return other.state == inExecuting || other.state == inUnknown
}

// run makes a step of the execution.
func (p protocol) run(s *system, at step) {
	c, run := &s.changes[at.change], &s.runs[at.replica][at.change]
	switch at.kind {
	case claim:
		p.claim(s, at)
	case takeTurn:
		p.takeTurn(s, at)
	case findClaim:
		p.findClaim(s, at)
	case compareLive:
		if run.phase, c.raced = toBaseline, false; s.live != c.snapshot && p.has(compareGuard) {
			run.end(inStale)
		}
	case recordBaseline:
		p.recordBaseline(s, at)
	case checkLease:
		p.checkLease(s, at)
	case send:
		p.send(s, at)
	case answer:
		if run.end(inApplied); c.request == refused {
			run.end(inFailed)
		}
	case loseAnswer:
		run.phase = toLook
	case look:
		run.end(inUnknown)
		if seen := s.evidence(at.change); seen == inApplied || (seen == inFailed && !p.has(earlyNoGuard)) {
			run.end(seen)
		}
	case recordOutcome, reread, recordAgain:
		p.finish(s, at)
	}
}

// end sets the outcome that the execution records.
func (r *modelRun) end(outcome recorded) { r.phase, r.outcome = toRecord, outcome }

// evidence is what Defender shows of change c: see reconcileUpdate.
func (s *system) evidence(c uint8) recorded {
	switch s.live {
	case s.value(c):
		return inApplied
	case s.changes[c].snapshot:
		return inFailed
	}
	return inUnknown
}

// claim makes the move of a claim, to Executing or, if preflight finds a reason, to Failed.
func (p protocol) claim(s *system, at step) {
	c, run := &s.changes[at.change], &s.runs[at.replica][at.change]
	to := inExecuting
	if (run.altered && p.has(digestGuard)) || p.count(s, at.change, p.has(standingAtClaim)) < s.needed(at.change) {
		to = inFailed
	}
	switch {
	case at.commit == lostDropped:
		run.phase = seeksClaim
		if !p.has(lostClaimGuard) {
			*run = modelRun{phase: toCompare, recent: true, altered: run.altered}
		}
		return
	case to == inExecuting && s.claimIsBusy(p, at.change):
		if run.phase = waitsTurn; c.overdue {
			p.takeTurn(s, at)
		}
		return
	case (run.stale && p.has(claimVersionGuard)) || (to == inExecuting && c.overdue):
		*run = modelRun{}
		return
	}
	s.moveTo(at.change, to)
	if to == inExecuting {
		c.owner, c.authorized = at.replica, s.authorized(at.change)
	}
	switch {
	case at.commit == lostCommitted:
		run.phase, run.stale = seeksClaim, true
	case to == inFailed:
		*run = modelRun{}
	default:
		*run = modelRun{phase: toCompare, recent: true, altered: run.altered}
	}
}

func (s *system) claimIsBusy(p protocol, c uint8) bool {
	if !p.has(keyGuard) {
		return false
	}
	return s.busy(c) && (p.has(keyUntilOutcome) || s.changes[1-c].state == inExecuting)
}

// takeTurn claims again once the key is free, and expires the change if that took too long: see claimInTurn.
func (p protocol) takeTurn(s *system, at step) {
	c, run := &s.changes[at.change], &s.runs[at.replica][at.change]
	switch {
	case !c.overdue:
		run.phase = toClaim
	case at.commit == lostDropped:
		*run = modelRun{}
	case !run.stale:
		s.moveTo(at.change, inExpired)
		*run = modelRun{}
	case c.state == inExecuting && !p.has(expiredTurnGuard):
		*run = modelRun{phase: toCompare, recent: true, altered: c.altered}
	default:
		*run = modelRun{}
	}
}

// findClaim reads whether the claim was recorded. What is executed is the copy that was checked before.
func (p protocol) findClaim(s *system, at step) {
	c, run := &s.changes[at.change], &s.runs[at.replica][at.change]
	switch {
	case c.state == inExecuting && c.owner == at.replica:
		altered := run.altered || (c.altered && !p.has(checkedCopyGuard))
		*run = modelRun{phase: toCompare, recent: run.recent, altered: altered}
	case c.state == inApproved:
		run.phase = toClaim
	default:
		*run = modelRun{}
	}
}

// recordBaseline makes the move that records what was read before sending: see lease.beforeSend.
func (p protocol) recordBaseline(s *system, at step) {
	run := &s.runs[at.replica][at.change]
	if at.commit == lostDropped || run.stale {
		run.end(inFailed)
		return
	}
	s.outdate(at.change)
	if run.phase = toCheck; at.commit == committed {
		run.stale = false
		return
	}
	run.end(inFailed)
}

// checkLease renews the lease unless that was done recently: see lease.checkHeld.
func (p protocol) checkLease(s *system, at step) {
	c, run := &s.changes[at.change], &s.runs[at.replica][at.change]
	switch {
	case !p.has(leaseGuard):
		run.phase = toSend
	case c.overdue:
		run.end(inFailed)
	case run.recent:
		run.phase = toSend
	case c.state == inExecuting && c.owner == at.replica:
		run.phase, run.recent, c.age = toSend, true, ageNew
	default:
		run.end(inFailed)
	}
}

// send sends the request, and checks what must hold then.
func (p protocol) send(s *system, at step) {
	c, run := &s.changes[at.change], &s.runs[at.replica][at.change]
	c.sends++
	switch {
	case c.sends > 1:
		s.broken = sentOnce
	case run.altered:
		s.broken = confirmedBytes
	case !c.authorized:
		s.broken = authorizedWrite
	case c.denied:
		s.broken = noDeniedWrite
	case s.changes[1-at.change].request == onTheWay:
		s.broken = noOverlap
	}
	run.phase, c.request = toAnswer, onTheWay
}
