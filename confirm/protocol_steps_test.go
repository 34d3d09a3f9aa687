package confirm_test

import "fmt"

// protocol is the model with all guards, or without one.
type protocol struct {
	without guard
	ours    bool // the only faults are crashes, lost answers and slow processes
}

// stepKind is a kind of step.
type stepKind uint8

const (
	propose stepKind = iota
	proposeAgain
	withdraw
	vote
	slowVote
	recordVote
	claim
	takeTurn
	findClaim
	compareLive
	recordBaseline
	checkLease
	send
	arrive
	refuse
	answer
	loseAnswer
	look
	recordOutcome
	reread
	recordAgain
	startApproved
	recovery
	slowRecovery
	goOn
	passLease
	passGrace
	passExpiry
	passDay
	crash
	edit
	removeApprover
	alter
	stepKinds
)

var stepNames = [stepKinds]string{
	"proposes", "proposes the same again as", "withdraws", "records a vote for", "evaluates a vote for",
	"records the evaluated vote for", "claims", "takes its turn for", "reads whether it claimed",
	"compares the live scan for", "records the baseline of", "checks the lease of", "sends", "the request arrives:",
	"the request is refused:", "gets the answer for", "loses Defender's answer for", "reads Defender for",
	"records the outcome of", "reads again", "records again the outcome of", "finds approved and starts",
	"recovery recovers", "a slow recovery reads", "the slow recovery goes on with", "6 seconds pass", "6 minutes pass",
	"16 minutes pass", "25 hours pass", "crashes and starts", "an operator edits the live scan",
	"bob is removed from the approvers", "the database is altered:",
}

// commit is what becomes of a COMMIT.
type commit uint8

const (
	committed     commit = iota
	lostCommitted        // it was recorded and the answer is lost
	lostDropped          // it was not recorded and the answer is lost
)

// step is one step of the model.
type step struct {
	kind    stepKind
	replica uint8
	change  uint8
	voter   uint8
	commit  commit
}

func (s step) String() string {
	text := stepNames[s.kind]
	if s.kind < arrive || (s.kind >= answer && s.kind <= startApproved) || s.kind == crash {
		text = fmt.Sprintf("%c %s", 'P'+s.replica, text)
	}
	if s.kind <= goOn || s.kind == alter {
		text += fmt.Sprintf(" change %c", 'A'+s.change)
	}
	if s.kind == vote || s.kind == slowVote {
		text += [...]string{" by bob", " by cleo"}[s.voter]
	}
	return text + [...]string{"", " (recorded, answer lost)", " (not recorded, answer lost)"}[s.commit]
}

// passesTime reports whether the step lets time pass.
func (s step) passesTime() bool { return s.kind >= passLease && s.kind <= passDay }

// steps calls visit for each step that is possible in s.
func (p protocol) steps(s *system, visit func(step)) {
	for c := range uint8(2) {
		for r := range uint8(replicas) {
			p.callerSteps(s, step{replica: r, change: c}, visit)
			p.runSteps(s, step{replica: r, change: c}, visit)
		}
		p.recoverySteps(s, step{change: c}, visit)
		if s.changes[c].request == onTheWay {
			visit(step{kind: arrive, change: c})
			visit(step{kind: refuse, change: c})
		}
	}
	p.timeSteps(s, visit)
	if s.faults > 0 {
		p.faultSteps(s, visit)
	}
}

// faultSteps are the events that the program does not choose, beside lost answers and slow processes.
func (p protocol) faultSteps(s *system, visit func(step)) {
	for r := range uint8(replicas) {
		visit(step{kind: crash, replica: r})
	}
	if p.ours {
		return
	}
	if s.live != edited && s.changes[0].snapshot != edited && s.changes[1].snapshot != edited {
		visit(step{kind: edit})
	}
	if !s.removed {
		visit(step{kind: removeApprover})
	}
	for c := range uint8(2) {
		if change := &s.changes[c]; !change.altered && (change.state == inPending || change.state == inApproved) {
			visit(step{kind: alter, change: c})
		}
	}
}

// visitCommit calls visit for the step with each result of its COMMIT.
func visitCommit(s *system, at step, visit func(step)) {
	visit(at)
	if s.faults > 0 {
		at.commit = lostCommitted
		visit(at)
		at.commit = lostDropped
		visit(at)
	}
}

// callerSteps are what requesters and approvers do at one replica with one change.
func (p protocol) callerSteps(s *system, at step, visit func(step)) {
	c := &s.changes[at.change]
	if s.vote.active && s.vote.change == at.change && s.vote.replica == at.replica {
		visitCommit(s, step{kind: recordVote, replica: at.replica, change: at.change}, visit)
	}
	if c.state == absent {
		p.proposeSteps(s, at, visit)
	}
	if c.state != inPending || c.overdue {
		return
	}
	if at.kind = withdraw; s.faults > 0 && !(c.altered && p.has(digestGuard)) {
		visit(at)
	}
	for at.voter = range uint8(approvers) {
		if at.voter == 0 && s.needed(at.change) == 1 {
			continue // bob is not asked
		}
		if at.kind = vote; c.votes[at.voter] == 0 || s.faults > 0 {
			visitCommit(s, at, visit)
		}
		if at.kind = slowVote; s.faults > 0 && !s.vote.active && p.evaluate(s, at).active {
			visit(at)
		}
	}
}

// proposeSteps propose a change. A plan against the present state of the scan is not needed if it has the value already.
func (p protocol) proposeSteps(s *system, at step, visit func(step)) {
	if at.kind = propose; s.live != at.change+1 {
		visitCommit(s, at, visit)
	}
	if at.kind = proposeAgain; at.change == 1 && s.faults > 0 && s.changes[0].state != absent && s.live != 1 {
		visit(at)
	}
}

// timeSteps let time pass. Requests, and readings of Defender, end long before settleGrace.
func (p protocol) timeSteps(s *system, visit func(step)) {
	visit(step{kind: passLease})
	if s.faults == 0 || s.recovery.action == doLook {
		return
	}
	for c := range s.changes {
		if s.changes[c].request == onTheWay {
			return
		}
		for r := range s.runs {
			if run := s.runs[r][c].phase; run == toSend || run == toLook {
				return
			}
		}
	}
	visit(step{kind: passGrace})
	visit(step{kind: passExpiry})
	visit(step{kind: passDay})
}

// isFault reports whether a step counts as a fault: it is one, or the process is slow.
func (p protocol) isFault(s *system, at step) bool {
	switch at.kind {
	case crash, edit, removeApprover, alter, loseAnswer, proposeAgain, withdraw, slowVote, slowRecovery,
		passGrace, passExpiry, passDay:
		return true
	case vote:
		return s.changes[at.change].votes[at.voter] > 0 || at.commit != committed
	}
	return at.commit != committed
}
