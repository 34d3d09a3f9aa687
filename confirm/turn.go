package confirm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// turnPoll is how often a waiting change asks the ledger whether the holder of its keys has ended. Transitions of this
// process are noticed at once.
const turnPoll = 250 * time.Millisecond

// errStopping means that this process ends. The change stays approved, so that another process can claim it.
var errStopping = errors.New("this process is stopping")

// claimKeys returns the keys that a claim of p takes.
func (p Proposal) claimKeys() []string {
	if len(p.Keys) == 0 {
		return []string{p.Request.Path}
	}
	return p.Keys
}

// claimInTurn claims c as soon as no other change holds one of its keys. It returns c as claim does, or as Expired if
// its turn did not come before it expired.
func (g *Gate) claimInTurn(ctx context.Context, c Change) (Change, error) {
	ended := "" // the holder before that has ended, and so must hold nothing
	for {
		after, err := g.claim(ctx, c)
		if errors.Is(err, ErrUnknownCommit) {
			after, err = g.findClaim(ctx, c, err)
		}
		var busy *BusyError
		switch {
		case errors.Is(err, errNotClaimed):
			continue
		case !errors.As(err, &busy):
			return after, err
		case busy.Holder == ended:
			return c, g.report(ctx, tamperingError{Tampering{
				Kind: KindHistory, Change: ended,
				Reason: "the change in the ledger seems to have ended, and the audit log says that it may still be sent, " +
					"so no other change of the same scans is sent; run `scanwarden audit verify`",
			}})
		}
		g.logWaiting(ctx, c, busy.Holder)
		if ended, err = g.waitTurn(ctx, c, busy.Holder); err != nil {
			return c, err
		}
		if !c.Expires.After(g.cfg.Now()) {
			return g.expire(ctx, c, fmt.Sprintf(
				"it was confirmed, but change %s writes the same scan and had not ended before this one expired; nothing was sent", busy.Holder))
		}
	}
}

// errNotClaimed means that a claim was not recorded and can be tried again.
var errNotClaimed = errors.New("the claim was not recorded")

// claimedAs returns c, which was checked before the claim, with what the claim recorded. Nothing else of now is taken: it
// was not checked.
func (c Change) claimedAs(now Change) Change {
	c.State, c.Version, c.Owner, c.Lease, c.Updated = now.State, now.Version, now.Owner, now.Lease, now.Updated
	return c
}

// recoveredAs returns c, as the process that executes it knows it, with what recovery has recorded meanwhile.
func (c Change) recoveredAs(now Change) Change {
	c = c.claimedAs(now)
	if c.Outcome = now.Outcome; c.Baseline == nil {
		c.Baseline = now.Baseline // the answer to its record may have been lost
	}
	return c
}

// findClaim reads whether this process's claim of c was recorded, whose answer was lost. It returns the claimed change,
// errNotClaimed, or ErrMoved if the change is another process's. It returns cause if it could not be read for a while.
func (g *Gate) findClaim(ctx context.Context, c Change, cause error) (Change, error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	for {
		now, err := g.cfg.Store.Change(ctx, c.ID)
		switch {
		case err == nil && now.State == Executing && now.Owner == g.owner && now.Version == c.Version+1:
			claimed := c.claimedAs(now)
			g.broadcast(claimed)
			return claimed, nil
		case err == nil && now.State == Approved && now.Version == c.Version:
			return c, errNotClaimed
		case err == nil:
			return now, fmt.Errorf("the change is %s: %w", now.State, ErrMoved)
		}
		if !sleep(ctx, turnPoll) {
			return c, cause
		}
	}
}

// waitTurn waits until the change holder no longer holds its keys, or c expires. It returns holder if that has ended,
// and "" if it may try to claim them again. It returns errStopping once Drain is called.
func (g *Gate) waitTurn(ctx context.Context, c Change, holder string) (ended string, err error) {
	w := g.joinWatch(holder)
	defer g.leaveWatch(holder, w)
	poll := time.NewTicker(turnPoll)
	defer poll.Stop()
	for c.Expires.After(g.cfg.Now()) {
		next := g.nextTransition(w)
		switch state, err := g.readState(ctx, holder); {
		case err != nil || state == Executing || state == Unknown:
		case state.Open():
			return "", nil
		default:
			return holder, nil
		}
		select {
		case <-next:
		case <-poll.C:
		case <-g.stopping:
			return "", errStopping
		}
	}
	return "", nil
}

// readState returns the state of the change with this id, and "" if there is no such change.
func (g *Gate) readState(ctx context.Context, id string) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	c, err := g.cfg.Store.Change(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the change that holds the keys: %w", err)
	}
	return c.State, nil
}

// logWaiting logs that c waits for the change holder.
func (g *Gate) logWaiting(ctx context.Context, c Change, holder string) {
	g.cfg.Log.InfoContext(ctx, "a confirmed change waits for another one of the same scan", "change", c.ID, "holder", holder)
}

// beginRun reports whether no goroutine of this process runs the change with this id yet. If so, end must be called
// when it has ended.
func (g *Gate) beginRun(id string) (end func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.runs[id] {
		return nil, false
	}
	g.runs[id] = true
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.runs, id)
	}, true
}
