package confirm_test

// recoverySteps are what recovery does about one change: see recoverOne.
func (p protocol) recoverySteps(s *system, at step, visit func(step)) {
	c := &s.changes[at.change]
	if at.kind = startApproved; c.state == inApproved && !c.overdue && c.age >= ageLapsed {
		for at.replica = range uint8(replicas) {
			if s.runs[at.replica][at.change].phase == idle {
				visit(at)
			}
		}
		at.replica = 0
	}
	if at.kind = goOn; s.recovery.action == doLook && s.recovery.change == at.change {
		visit(at)
	} else if s.recovery.action != 0 && s.recovery.change == at.change {
		visitCommit(s, at, visit)
	}
	if p.recoveryAction(c) == 0 {
		return
	}
	at.kind = recovery
	visitCommit(s, at, visit)
	if at.kind = slowRecovery; s.recovery.action == 0 && s.faults > 0 {
		visit(at)
	}
}

// recoveryAction returns what recovery does about a change, or 0: see recoveryStep.
func (p protocol) recoveryAction(c *modelChange) uint8 {
	switch {
	case (c.state == inPending || c.state == inApproved) && c.overdue:
		return doExpire
	case c.state == inExecuting && c.age >= ageLapsed && p.has(takeOverGuard):
		return doTakeOver
	case c.state == inUnknown && c.age < ageLimit:
		return doLook
	}
	return 0
}

// recover makes a step of the recovery.
func (p protocol) recover(s *system, at step) {
	c := &s.changes[at.change]
	switch at.kind {
	case startApproved:
		s.runs[at.replica][at.change] = modelRun{phase: toClaim, altered: c.altered}
	case slowRecovery:
		s.recovery = modelRecovery{action: p.recoveryAction(c), change: at.change}
	case goOn:
		s.recovery = p.goOn(s, s.recovery, at.commit)
	case recovery:
		todo := modelRecovery{action: p.recoveryAction(c), change: at.change}
		for todo.action != 0 {
			todo = p.goOn(s, todo, at.commit)
		}
	}
}

// goOn makes the next transition of the recovery, and returns what remains to be done.
func (p protocol) goOn(s *system, todo modelRecovery, result commit) modelRecovery {
	switch {
	case todo.action == doLook:
		return p.look(s, todo)
	case todo.stale || result == lostDropped:
	case todo.action == doExpire:
		s.moveTo(todo.change, inExpired)
	case todo.action == doSettle:
		s.moveTo(todo.change, todo.outcome)
	case !p.has(noResend):
		s.moveTo(todo.change, inApproved)
	default:
		if s.moveTo(todo.change, inUnknown); result == committed {
			return modelRecovery{action: doLook, change: todo.change}
		}
	}
	return modelRecovery{}
}

// look reads Defender, and returns what is to be recorded: see reconcile. A copy that is out of date records nothing.
func (p protocol) look(s *system, todo modelRecovery) modelRecovery {
	seen := s.evidence(todo.change)
	if s.changes[todo.change].altered {
		seen = inUnknown // it reads another plan
	}
	early := s.changes[todo.change].age < ageSettling && p.has(settleGraceGuard)
	if todo.stale || seen == inUnknown || (seen == inFailed && early) {
		return modelRecovery{}
	}
	return modelRecovery{action: doSettle, change: todo.change, outcome: seen}
}
