package confirm_test

import "scanwarden/confirm"

// The protocol is a model of what the Gate and the Store do with two changes of one scan on two replicas. Each step of
// the model is one transaction of the ledger, one request to Defender, or one event that the program does not choose.
// What guards a transition in the code guards the step of the model, under the same name where there is one.
//
// Assumptions, which are the code's own: a request is no longer on its way after settleGrace, a process does not pause
// for so long between BeforeSend and the request, and nobody sets a scan back to exactly what it was.

const (
	replicas  = 2
	approvers = 2 // bob, who may be removed, and cleo
)

// recorded is the state of a change in the ledger. The zero value means that it was not proposed.
type recorded uint8

const (
	absent recorded = iota
	inPending
	inApproved
	inExecuting
	inUnknown
	inApplied
	inFailed
	inStale
	inExpired
	inWithdrawn
)

// recordedNames are the states of the code, by state of the model.
var recordedNames = [...]confirm.State{
	"not proposed", confirm.Pending, confirm.Approved, confirm.Executing, confirm.Unknown, confirm.Applied, confirm.Failed,
	confirm.Stale, confirm.Expired, confirm.Withdrawn,
}

func (r recorded) settled() bool { return r >= inApplied }

// The ages of a change: the time since its last transition, and for one in execution since its last renewal.
const (
	ageNew      = iota
	ageLapsed   // leaseDuration is over
	ageSettling // settleGrace is over
	ageLimit    // reconcileLimit is over
)

// The owners of a change in execution are the replicas, and these.
const (
	noOwner   = replicas
	deadOwner = replicas + 1 // a replica before it crashed
)

// The ways of a request to Defender.
const (
	notSent = iota
	onTheWay
	arrived
	refused // or lost on the way
)

// modelChange is a change in the ledger, its request, and what the guarantees need to know of its past.
type modelChange struct {
	state    recorded
	age      uint8
	owner    uint8
	snapshot uint8            // the live scan that it was planned against
	votes    [approvers]uint8 // recorded approvals
	overdue  bool             // past its expiry; in execution, past that time since the claim
	again    bool             // asks for the same as the first change
	altered  bool             // its proposal was altered in the database
	request  uint8

	sends      uint8
	raced      bool // an operator edited the scan between the comparison and the write
	authorized bool // enough approvers were allowed at the claim
	denied     bool // a caller was told that what was recorded was not
}

// phase is where a replica's execution of a change stands.
type phase uint8

const (
	idle phase = iota
	toClaim
	waitsTurn  // another change holds the key
	seeksClaim // the answer to the claim was lost
	toCompare
	toBaseline
	toCheck
	toSend
	toAnswer
	toLook // the answer of Defender was lost
	toRecord
	toReread // the record did not succeed
	toRecordAgain
)

// modelRun is the execution of one change by one replica.
type modelRun struct {
	phase    phase
	outcome  recorded
	stale    bool // the change has moved since this replica wrote or read it
	newStale bool // likewise, for the copy that was read again
	recent   bool // the lease was renewed recently
	altered  bool // this replica's copy is altered
}

// modelVote is a vote that a slow replica has evaluated and not recorded yet.
type modelVote struct {
	active  bool
	replica uint8
	change  uint8
	voter   uint8
	to      recorded
	stale   bool
	altered bool // the copy is altered
}

// The actions of recovery.
const (
	doExpire = iota + 1
	doTakeOver
	doLook
	doSettle
)

// modelRecovery is what a slow recovery has read and not recorded yet. It may run on any replica: what it does depends on
// no memory, and a crash of its replica is the same as never going on.
type modelRecovery struct {
	action  uint8 // 0 means none
	change  uint8
	outcome recorded
	stale   bool
}

// system is one state of everything. Only one vote and one recovery are slow; others do in one step what they do.
type system struct {
	changes  [2]modelChange
	runs     [replicas][2]modelRun // the memory of a replica, which a crash clears
	vote     modelVote             // likewise
	recovery modelRecovery
	live     uint8 // the scan: 0 at first, 1 and 2 as the changes write it, then as an operator edits it
	removed  bool  // bob is no longer an approver
	faults   uint8 // how many more may happen
	broken   guarantee
}

// edited is the live scan as an operator edits it, once.
const edited = 3

// newSystem returns the first state, from which this number of faults may happen.
func newSystem(faults int) system {
	s := system{faults: uint8(faults)}
	for i := range s.changes {
		s.changes[i].owner = noOwner
	}
	return s
}

// value is what change c writes.
func (s *system) value(c uint8) uint8 {
	if c == 0 || s.changes[c].again {
		return 1
	}
	return 2
}

// needed is how many approvers change c needs.
func (s *system) needed(c uint8) int {
	if c == 0 || s.changes[c].again {
		return 2
	}
	return 1
}

// moveTo makes a transition of change c. An equal change may have written what is taken for the write of c: the live scan
// cannot show the difference. All copies of it that replicas hold are out of date then.
func (s *system) moveTo(c uint8, to recorded) {
	change := &s.changes[c]
	change.state, change.age = to, ageNew
	equal := s.changes[1].again && s.changes[1-c].request == arrived
	if to == inApplied && change.request != arrived && !equal {
		s.broken = trueSuccess
	}
	s.outdate(c)
}

func (s *system) outdate(c uint8) {
	for r := range s.runs {
		if run := &s.runs[r][c]; run.phase != idle {
			run.stale, run.newStale = true, true
		}
	}
	s.vote.stale = s.vote.stale || (s.vote.active && s.vote.change == c)
	s.recovery.stale = s.recovery.stale || (s.recovery.action != 0 && s.recovery.change == c)
}
