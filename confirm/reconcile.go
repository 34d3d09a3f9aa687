package confirm

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
)

const (
	// settleGrace is how long after a write of unknown outcome a missing trace is not yet believed. It is longer than
	// the HTTP client waits for an answer, so that the request can no longer be on its way.
	settleGrace = 5 * time.Minute
	// readTimeout bounds one reading of Defender, so that a hanging one does not delay the other changes.
	readTimeout = 30 * time.Second
	// maxRetryPause bounds the pause between two readings for one change.
	maxRetryPause = 10 * time.Minute
	// reconcileLimit is how long after a write Defender is read for its outcome. After that a person has to check.
	reconcileLimit = 24 * time.Hour
)

// retryState is when to read Defender again for one change, and the last pause before that.
type retryState struct {
	at    time.Time
	pause time.Duration
}

// isDue reports whether Defender is to be read again now for a change of unknown outcome.
func (g *Gate) isDue(c Head, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	next, known := g.retries[c.ID]
	return now.Before(c.Updated.Add(reconcileLimit)) && (!known || !now.Before(next.at))
}

// reconcile reads Defender and records the outcome if it is certain. A missing trace is certain only after settleGrace:
// before that, the write may still be on its way through the service.
// It returns ErrTampered if c is not what was confirmed.
func (g *Gate) reconcile(ctx context.Context, c Change) error {
	if err := g.report(ctx, g.mac.verifyChange(c)); err != nil {
		return err
	}
	out := g.readOutcome(ctx, c)
	certain := out.State == Applied || (out.State == Failed && !g.cfg.Now().Before(c.Updated.Add(settleGrace)))
	if !certain {
		g.backOff(c)
		return nil
	}
	g.mu.Lock()
	delete(g.retries, c.ID)
	g.mu.Unlock()
	_, err := g.move(ctx, c, Move{To: out.State, Outcome: &out, Note: "settled by reading Defender"})
	return err
}

// readOutcome returns the outcome that Config.Reconcile finds in Defender. It returns Unknown instead of Applied if
// another change accounts for the created scans, or may have created them with the same request.
func (g *Gate) readOutcome(ctx context.Context, c Change) Outcome {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	out := g.recoverPanic(ctx, c, g.cfg.Reconcile)
	if out.State != Applied || len(out.CreatedIDs) == 0 {
		return out
	}
	duplicate, err := g.findDuplicate(ctx, c, out.CreatedIDs)
	if err == nil && duplicate == "" {
		return out
	}
	reason := "another change, " + duplicate + ", asks for the same or has made what is to be seen"
	if err != nil {
		reason = "the ledger could not be asked whether another change made what is to be seen"
	}
	return Outcome{State: Unknown, Reason: reason, Next: "Check in Defender how many there are, before asking again."}
}

// findDuplicate returns the id of another change that could explain the scans that c seems to have created, or "". With
// nil created, before c is sent, it returns an open change with the same request.
func (g *Gate) findDuplicate(ctx context.Context, c Change, created []string) (id string, err error) {
	// One that is approved has created nothing, and may wait until c has ended.
	unsettled, settled := []State{Executing, Unknown}, []State{Applied}
	if created == nil {
		unsettled, settled = []State{Pending, Approved, Executing, Unknown}, nil
	}
	others, err := g.cfg.Store.Changes(ctx, Filter{States: unsettled, Target: c.Target, Limit: math.MaxInt32})
	if err == nil && settled != nil {
		var recent []Change
		recent, err = g.cfg.Store.Changes(ctx, Filter{States: settled, Target: c.Target, Limit: 1000})
		others = append(others, recent...)
	}
	if err != nil {
		return "", fmt.Errorf("look for the same change: %w", err)
	}
	for _, o := range others {
		same := o.State != Applied && o.Request.Path == c.Request.Path && bytes.Equal(o.Request.Body, c.Request.Body)
		accounted := slices.ContainsFunc(o.Outcome.CreatedIDs, func(id string) bool { return slices.Contains(created, id) })
		if o.ID != c.ID && o.Operation == c.Operation && (same || accounted) {
			if _, err := ulid.ParseStrict(o.ID); err != nil { // people read the id: it must be no other text
				return "of an altered id", nil
			}
			return o.ID, nil
		}
	}
	return "", nil
}

// backOff doubles the pause before the next reading, up to maxRetryPause. The pause never extends past the end of
// settleGrace, when Failed can first be recorded.
func (g *Gate) backOff(c Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pause := min(max(pollInterval, 2*g.retries[c.ID].pause), maxRetryPause)
	now := g.cfg.Now()
	at, end := now.Add(pause), c.Updated.Add(settleGrace)
	if now.Before(end) && at.After(end) {
		at = end
	}
	g.retries[c.ID] = retryState{at: at, pause: pause}
}
