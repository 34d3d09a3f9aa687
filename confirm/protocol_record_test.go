package confirm_test

// finish records the outcome: see Gate.record.
func (p protocol) finish(s *system, at step) {
	c, run := &s.changes[at.change], &s.runs[at.replica][at.change]
	if at.kind == reread {
		switch {
		case c.owner != at.replica || c.state.settled() || c.state == run.outcome:
			*run = modelRun{}
		default:
			run.phase, run.newStale = toRecordAgain, false
		}
		return
	}
	stale := run.stale
	if at.kind == recordAgain {
		stale = run.newStale
	}
	outcome := run.outcome
	moved := !stale && at.commit != lostDropped
	if moved {
		s.moveTo(at.change, outcome)
	}
	switch {
	case at.kind == recordOutcome && moved && at.commit == committed:
		*run = modelRun{}
	case at.kind == recordOutcome:
		run.phase = toReread
	case at.commit == committed: // recorded, or recovery has settled it
		*run = modelRun{}
	default:
		run.phase = toRecord
	}
}
