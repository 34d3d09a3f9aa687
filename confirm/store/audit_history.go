package store

import (
	"context"
	"errors"
	"fmt"

	"scanwarden/confirm"
)

// checkHistories returns an error unless the audit log left each change that was moved as its caller has read it.
func (s *Store) checkHistories(ctx context.Context, tx transaction, all []*transition) error {
	for _, t := range all {
		if t.read == nil || !t.guarded.matched {
			continue // updateClaims needs what the log says of those that matched
		}
		if err := s.checkHistory(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// checkHistory returns ErrTampered unless the audit log left the change of t as its caller has read it. A claim, and a
// change of unknown outcome whose rows were compared with Defender, compare everything. Any other move compares the
// state, the version and the round. It notes what the change held before.
func (s *Store) checkHistory(ctx context.Context, tx transaction, t *transition) error {
	c := t.read
	logged, known := s.follower.changes[c.ID]
	if !known {
		var err error
		if logged, err = s.readHistory(ctx, tx, c.ID); err != nil {
			return err
		}
	}
	var why string
	switch {
	case logged.version == 0 && logged.state == "":
		why = "nothing in it proposed the change"
	case t.hashes != nil:
		why = logged.difference(*c, *t.hashes)
	case logged.state != c.State || logged.version != c.Version || logged.digest != c.Digest:
		why = fmt.Sprintf("its state is %q in version %d, and the log says %q in version %d", c.State, c.Version, logged.state, logged.version)
	case logged.round != c.Round:
		why = "a prompt that was answered waits for an answer again"
	}
	t.held = logged.held
	if why == "" {
		return nil
	}
	return confirm.NewTamperingError(confirm.Tampering{
		Kind: confirm.KindHistory, Change: c.ID,
		Reason: "the change in the ledger is not as the audit log left it (" + why + "), so nothing is sent; run `scanwarden audit verify`",
	})
}

// readHistory returns how the log left a change that was proposed before the follower started. It lets the follower
// start where the proposal row says. If that is not true, the entries do not add up to the signed head, or do not
// propose the change.
func (s *Store) readHistory(ctx context.Context, tx transaction, id string) (followedChange, error) {
	var size int64
	var edge string
	if err := tx.run(ctx, &statement{query: selectLogStart, args: []any{id}, dest: []any{&size, &edge}}); err != nil {
		return followedChange{}, err
	}
	if s.follower.started && size >= s.follower.from {
		return followedChange{}, nil // then the follower would know it
	}
	hashes, err := parseEdge(size, edge)
	if err != nil {
		return followedChange{}, nil
	}
	head := s.follower.tree
	var earlier logFollower
	earlier.startAt(merkleTree{size: size, edge: hashes})
	earlier.tree, err = replayEntries(ctx, tx, earlier.tree, head, earlier.apply)
	if errors.As(err, new(*brokenLogError)) {
		err = confirm.NewTamperingError(confirm.Tampering{Kind: confirm.KindHistory, Change: id, Reason: err.Error()})
	}
	if err != nil {
		return followedChange{}, err
	}
	s.follower = earlier
	return earlier.changes[id], nil
}
