package confirm

import (
	"context"
	"errors"
	"time"
)

// Errors a caller may branch on with errors.Is.
var (
	ErrNotFound = errors.New("no such change")
	// ErrMoved means that the change was no longer as the caller had read it: somebody else was first.
	ErrMoved = errors.New("the change has moved meanwhile")
	// ErrRefused marks a decision or a proposal that policy does not allow; its text says why and what to do.
	ErrRefused = errors.New("refused")
)

// Store keeps changes, and which accounts are one person's. It is an interface only because the lock must not see SQL: package store is the
// one implementation, and every test uses it.
//
// Each method that alters a change or a link writes its audit entry in the same transaction: no entry, no change.
type Store interface {
	// Insert keeps a new pending change.
	Insert(ctx context.Context, c Change) error
	// Change returns the change with this id, or ErrNotFound.
	Change(ctx context.Context, id string) (Change, error)
	// Changes lists changes, newest first. With an error it lists those that could be read.
	Changes(ctx context.Context, f Filter) ([]Change, error)
	// Move performs one transition of a change that the caller has read, and returns the change as it is
	// then. It fails with ErrMoved, and alters nothing, when id, digest, state or version are no longer
	// those of c, when m.Unexpired is set and m.At is not before the expiry, or when a decision of
	// m.Decision's person is already recorded.
	Move(ctx context.Context, c Change, m Move) (Change, error)
	// RenewLease prolongs the lease of a change that owner is executing; ErrMoved when it no longer is.
	RenewLease(ctx context.Context, id, owner string, until time.Time) error
	// AcquireLease takes or prolongs the named lease for owner; false means that another owner holds it at now.
	AcquireLease(ctx context.Context, name, owner string, now, until time.Time) (bool, error)
	// Link keeps that two principals are one person; ErrMoved, and nothing altered, when one of them is linked
	// already, on the same side or to the same person.
	Link(ctx context.Context, l Link) error
	// Unlink forgets the link of a principal; ErrNotFound when there is none.
	Unlink(ctx context.Context, from Principal, at time.Time, why string) error
	// Links lists all of them, oldest first.
	Links(ctx context.Context) ([]Link, error)
}

// Filter selects changes; zero fields select all.
type Filter struct {
	States    []State
	Requester Principal
	Target    string
	Limit     int // 0 means 100
}

// Move is one transition.
type Move struct {
	To        State     // may equal the present state: a vote that is not the last, a wrong code
	At        time.Time // when
	Unexpired bool      // the expiry must still lie ahead
	NextRound bool      // count one more question to the requester's client
	Decision  *Decision // recorded with the move
	Owner     string    // recorded with a claim
	Lease     time.Time // recorded with a claim
	Outcome   *Outcome  // recorded with an end
	Note      string    // for the audit log: why, in plain words
}
