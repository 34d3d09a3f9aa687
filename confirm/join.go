package confirm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// maxJoins bounds how often a proposal is added again because the equal one that it joined has ended meanwhile.
const maxJoins = 5

// fingerprint returns what makes two proposals of one requester equal: the same bytes to Defender, planned against the
// same live state, and asked for in the same way. Warnings are not part of it, because they tell the time.
func (c Change) fingerprint() (string, error) {
	text, err := json.Marshal(struct {
		Target, Operation, Method, Path, Body, Snapshot, Source string
		Requester                                               Principal
		Local, Agent                                            bool
		Channels                                                []Channel
	}{
		c.Target, c.Operation, c.Request.Method, c.Request.Path, string(c.Request.Body), string(c.Snapshot), c.Source,
		c.Requester, c.Local, c.Agent, c.Channels,
	})
	if err != nil {
		return "", fmt.Errorf("fingerprint proposal: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// insertOrJoin adds c to the ledger, or returns the equal change of the same requester that is open: a client that
// stopped waiting, or a model that calls again, asks approvers no second question. added reports which one it did.
func (g *Gate) insertOrJoin(ctx context.Context, c Change, need requirement) (_ Change, added bool, err error) {
	if c.Fingerprint, err = c.fingerprint(); err != nil {
		return Change{}, false, err
	}
	for try := 1; ; try++ {
		next := c
		err := g.insert(ctx, &next, need)
		var open *OpenError
		if !errors.As(err, &open) {
			next.Fingerprint = ""
			return next, err == nil, err
		}
		earlier, err := g.Change(ctx, open.Change)
		if errors.Is(err, ErrTampered) && try < maxJoins && g.isPending(ctx, open.Change) {
			c.Fingerprint = "" // nobody can confirm that one, so that approvers are asked anew
			continue
		}
		if err != nil || earlier.State.Open() || try == maxJoins {
			return earlier, false, err
		}
	}
}

// isPending reports whether the row of a change, which may be altered, says that it waits for a decision.
func (g *Gate) isPending(ctx context.Context, id string) bool {
	c, err := g.cfg.Store.Change(ctx, id)
	return err == nil && c.State == Pending
}
