package slackbot

import (
	"context"
	"errors"
	"fmt"

	"scanwarden/confirm"
)

// errNotKnown marks an error after which it is not known whether something was recorded.
var errNotKnown = errors.New("whether it was recorded is not known")

// isCertain reports whether it is known what an attempt to record something has led to. The Gate and the Store have read
// what was recorded before they return any other error.
func isCertain(err error) bool { return !errors.Is(err, confirm.ErrUnknownCommit) }

// lostWrite is an attempt to record something whose result is not known.
type lostWrite struct {
	cause    error
	happened func(confirm.Change) bool // reports whether a change shows that it was recorded
}

// readAgain reads a change after a lost write, before anything is told to a user. It returns the change if the write
// happened, the change and ErrMoved if another one ended it first, and otherwise errNotKnown: a COMMIT may still be on
// its way although the change does not show it yet.
func (b *Bot) readAgain(ctx context.Context, gate *confirm.Gate, id string, w lostWrite) (confirm.Change, error) {
	ctx, cancel := detachedContext(ctx)
	defer cancel()
	c, err := gate.Change(ctx, id)
	b.cfg.Log.ErrorContext(ctx, "the answer of the database was lost; the change was read again",
		"change", id, "state", c.State, "error", errors.Join(w.cause, err))
	switch {
	case err != nil:
		return c, fmt.Errorf("%w: %w", errNotKnown, errors.Join(w.cause, err))
	case w.happened(c):
		b.outbox.own(id, b.cfg.Now()) // the Gate has announced no transition
		b.wakeNotifier()
		return c, nil
	case c.State != confirm.Pending:
		return c, fmt.Errorf("%w: %w", confirm.ErrMoved, w.cause)
	}
	return c, fmt.Errorf("%w: %w", errNotKnown, w.cause)
}
