package confirm_test

// guarantee is a promise to users. The zero value means that none is broken.
type guarantee uint8

const (
	kept guarantee = iota
	authorizedWrite
	confirmedBytes
	comparedState
	sentOnce
	noOverlap
	noDeniedWrite
	trueFailure
	trueSuccess
	oneQuestion
	everEnds
)

var guarantees = [...]string{
	authorizedWrite: "no write without enough approvers that are allowed at the claim",
	confirmedBytes:  "the confirmed bytes are what is sent",
	comparedState:   "a write replaces only the state that approvers saw",
	sentOnce:        "each change is sent at most once",
	noOverlap:       "no two writes of one scan overlap",
	noDeniedWrite:   "what a caller was told is not recorded never runs",
	trueFailure:     "a change that is recorded as not applied was not applied",
	trueSuccess:     "a change that is recorded as applied was applied",
	oneQuestion:     "an equal open change is joined",
	everEnds:        "every change ends final or unknown",
}

func (g guarantee) String() string { return guarantees[g] }

// guard is one check of the code. A protocol without it has a fault.
type guard uint8

const (
	noGuard guard = iota
	compareGuard
	keyGuard
	keyUntilOutcome
	leaseGuard
	distinctVotes
	standingAtClaim
	noResend
	settleGraceGuard
	earlyNoGuard
	digestGuard
	lostAnswerGuard
	lostClaimGuard
	checkedCopyGuard
	claimVersionGuard
	expiredTurnGuard
	joinGuard
	takeOverGuard
	guards
)

// plantedFaults are the guards, with what goes wrong without each, the guarantee that breaks first, and where.
var plantedFaults = [guards]struct {
	text             string
	breaks           guarantee
	scenario, faults int
}{
	compareGuard:      {"the live scan is not compared before sending", comparedState, oneChange, 1},
	keyGuard:          {"a claim takes no key", noOverlap, twoApproved, 0},
	keyUntilOutcome:   {"the key is released before the outcome is known", noOverlap, twoApproved, 1},
	leaseGuard:        {"the lease is not checked before sending", trueFailure, oneChange, 1},
	distinctVotes:     {"votes of one approver count twice", authorizedWrite, oneChange, 1},
	standingAtClaim:   {"standing is not checked at the claim", authorizedWrite, oneChange, 1},
	noResend:          {"recovery executes again what a process was executing", trueFailure, oneChange, 1},
	settleGraceGuard:  {"recovery accepts a missing trace at once", trueFailure, oneChange, 1},
	earlyNoGuard:      {"the executing process accepts a missing trace at once", trueFailure, oneChange, 1},
	digestGuard:       {"the digest is not checked at the claim", confirmedBytes, oneChange, 1},
	lostAnswerGuard:   {"a lost answer to a COMMIT is told as a failure", noDeniedWrite, oneChange, 1},
	lostClaimGuard:    {"a lost answer to a claim is taken for a claim", authorizedWrite, oneChange, 1},
	checkedCopyGuard:  {"after a lost answer to a claim, what is read again is sent", confirmedBytes, oneChange, 2},
	claimVersionGuard: {"a claim does not check the version of the change", sentOnce, oneChange, 0},
	expiredTurnGuard:  {"after a wait, what another process executes is taken for claimed", trueFailure, twoApproved, 1},
	joinGuard:         {"an equal proposal becomes a new change", oneQuestion, twoChanges, 1},
	takeOverGuard:     {"recovery leaves a change of a dead process alone", everEnds, oneChange, 1},
}

// has reports whether the protocol has a guard.
func (p protocol) has(g guard) bool { return p.without != g }
