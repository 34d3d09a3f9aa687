package confirm

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Errors that callers can test for with errors.Is.
var (
	// ErrNotFound means that no such change or link exists, or that it is another person's and must not be revealed.
	ErrNotFound = errors.New("no such change")
	// ErrMoved means that the change is no longer as the caller had read it: another caller was first.
	ErrMoved = errors.New("the change has moved meanwhile")
	// ErrBusy means that another change holds a key of what a change writes. Errors with it are *BusyError.
	ErrBusy = errors.New("another change writes the same scan")
	// ErrUnknownCommit means that the ledger's answer was lost, and that it could not be read yet whether it recorded
	// the transition. Errors of the Gate with it are *UnknownCommitError. Nobody must be told that nothing was recorded.
	ErrUnknownCommit = errors.New("whether it was recorded is not known yet")
	// ErrRefused marks a decision or a proposal that policy does not allow. The error's text explains why and what to do.
	ErrRefused = errors.New("refused")
	// ErrUnavailable marks an error of Config.Standing that says nothing about the approver: the source cannot be asked now.
	ErrUnavailable = errors.New("unavailable")
	// ErrTooManyOpen is an ErrRefused: the requester has as many open changes as the policy allows.
	ErrTooManyOpen = errors.New("too many open changes")
)

// Store keeps changes and identity links: the ledger. It is an interface only so that this package does not depend on
// SQL. Package store is the one implementation, and every test uses it.
//
// Each method that alters a change or a link writes its audit entry in the same transaction: no entry, no change. If the
// answer to the commit is lost, it reads what was recorded before it returns. It returns ErrUnknownCommit only if that
// cannot be read for a while; every other error means that nothing was recorded.
type Store interface {
	// Insert adds a new pending change. If c.Fingerprint is set and an open change of the same requester has it, Insert
	// adds nothing and returns an *OpenError.
	Insert(ctx context.Context, c Change) error
	// Change returns the change with this id, or ErrNotFound.
	Change(ctx context.Context, id string) (Change, error)
	// Changes returns the changes that match f, newest first. With an error it returns those that could be read.
	Changes(ctx context.Context, f Filter) ([]Change, error)
	// Heads returns the first changes after a place that match f, oldest first, at most f.Limit of them. next is the place
	// after the last of them, and zero if there are no more.
	Heads(ctx context.Context, f Filter, after Cursor) (page []Head, next Cursor, err error)
	// Move performs one transition of a change as the caller has read it, and returns the change after it.
	// It returns ErrMoved, and alters nothing, when id, digest, state or version are no longer those of c, when
	// m.Unexpired is set and m.At is not before the expiry, or when m.Decision's person has already decided. It returns
	// a *BusyError, and alters nothing, when another change holds one of m.Keys, and ErrTampered when the change is not
	// as the audit log left it.
	Move(ctx context.Context, c Change, m Move) (Change, error)
	// RenewLease extends the lease of a change that owner is executing. It returns ErrMoved if owner no longer is.
	RenewLease(ctx context.Context, id, owner string, until time.Time) error
	// AcquireLease acquires or extends the named lease for owner. It returns false if another owner holds it at now.
	AcquireLease(ctx context.Context, name, owner string, now, until time.Time) (bool, error)
	// Link records that two principals are one person. It returns ErrMoved, and alters nothing, when one of them is
	// linked already, on the same side or to the same person.
	Link(ctx context.Context, l Link) error
	// Unlink removes the link of a principal. It returns ErrNotFound when there is none.
	Unlink(ctx context.Context, from Principal, at time.Time, why string) error
	// RemoveEnded removes the rows of changes in a final state. Their audit entries stay. It keeps a change that has not
	// ended as its row says, according to the signed audit log. With an error it may have removed some.
	RemoveEnded(ctx context.Context, e Ended) (Removal, error)
	// LinkSet returns all links, oldest first, and the LinkSetHash that the signed head of the audit log has.
	LinkSet(ctx context.Context) (links []Link, set string, err error)
	// CheckClaims returns ErrTampered if the claims of changes are not those that the signed head of the audit log has.
	CheckClaims(ctx context.Context) error
}

// Filter selects changes. A zero field selects all.
type Filter struct {
	States    []State
	Requester Principal
	Target    string
	ExpiredAt time.Time // those that have expired at this time
	Limit     int       // 0 means 100
}

// Cursor is a place in the order in which changes were proposed. The zero value is the place before the oldest change.
type Cursor struct {
	Created time.Time
	ID      string
}

// Head holds the columns of a change that recovery decides by. It has nothing of the proposal, which can be long.
type Head struct {
	ID      string
	State   State
	Created time.Time
	Expires time.Time
	Lease   time.Time
	Updated time.Time
}

// Move is one transition of a change.
type Move struct {
	To        State     // may equal the present state: for a vote that is not the last, or a wrong code
	At        time.Time // when it happens
	Unexpired bool      // the change must not have expired at At
	NextRound bool      // increase Change.Round
	Decision  *Decision // recorded with the move; may be nil
	Owner     string    // recorded with a claim
	Lease     time.Time // recorded with a claim
	Outcome   *Outcome  // recorded with an end; may be nil
	Note      string    // for the audit log: the reason, in plain words
	// Keys are claimed with a claim, all or none. A move to a settled state releases them.
	Keys     []string
	Baseline json.RawMessage // recorded before the change is sent; nil leaves it as it is
}

// BusyError means that the change Holder is executing or of unknown outcome, and writes what another change would write.
// errors.Is matches it with ErrBusy.
type BusyError struct{ Holder string }

// Error names the change that holds the key.
func (e *BusyError) Error() string { return ErrBusy.Error() + ": " + e.Holder }

// Is reports whether target is ErrBusy.
func (e *BusyError) Is(target error) bool { return target == ErrBusy }

// OpenError means that an equal change of the same requester is open.
type OpenError struct{ Change string }

// Error names the change that is open.
func (e *OpenError) Error() string { return "an equal change is open: " + e.Change }

// UnknownCommitError is ErrUnknownCommit with the id of the change.
type UnknownCommitError struct {
	Change string
	Err    error // wraps ErrUnknownCommit
}

// Error returns what to do, without the cause.
func (e *UnknownCommitError) Error() string {
	return ErrUnknownCommit.Error() + "; look with get_change " + e.Change
}

// Unwrap returns the cause.
func (e *UnknownCommitError) Unwrap() error { return e.Err }
