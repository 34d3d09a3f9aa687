package confirm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// claim moves c to Executing by this process, which then holds the keys of c. It moves c to Failed instead if c must not
// be executed. It returns a *BusyError while another change holds one of the keys. A change never goes back to Pending,
// so that a change in an earlier state than the audit log has always shows tampering. The Store refuses the claim of a
// change that is not as the audit log left it, such as one that was executed before.
func (g *Gate) claim(ctx context.Context, c Change) (Change, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return c, err
	}
	out, err := g.preflight(ctx, a, c)
	if err != nil {
		return c, err
	}
	if out != nil {
		return g.move(ctx, c, Move{To: Failed, Outcome: out})
	}
	return g.move(ctx, c, Move{
		To: Executing, Unexpired: true, Owner: g.owner, Lease: g.cfg.Now().Add(leaseDuration),
		Keys: c.claimKeys(),
	})
}

// preflight returns nil if an approved change may be executed. Otherwise it returns the outcome to record: c does not
// verify, policy no longer allows it, or too few approvals count now. It returns ErrTampered for a change of a server
// with another key, and ErrUnavailable if Config.Standing could not check an approval that is needed.
func (g *Gate) preflight(ctx context.Context, a authorizer, c Change) (*Outcome, error) {
	if err := g.report(ctx, g.mac.verifyChange(c)); err != nil {
		var t tamperingError
		if errors.As(err, &t) && t.OtherKey {
			return nil, err // left to the server that has the key
		}
		return &Outcome{State: Failed, Reason: err.Error(), Next: "Run `scanwarden audit verify`: the ledger may have been altered."}, nil
	}
	need := a.requirementFor(c.ruleInput()).atLeast(c.Needed)
	if need.refusal != nil {
		return &Outcome{
			State:  Failed,
			Reason: "nothing was sent, because the policy has become stricter: " + need.refusal.Error(),
			Next:   "Ask again once the policy allows it.",
		}, nil
	}
	counted, dropped := a.countedApprovals(c, need)
	counted, removed, unknown := g.checkStanding(ctx, counted)
	switch {
	case len(counted) >= need.needed:
		return nil, nil
	case len(counted)+len(unknown) >= need.needed:
		return nil, errors.Join(unknown...)
	}
	reason := fmt.Sprintf("it was confirmed by too few people, so nothing was sent (%s)", need.reason)
	for _, err := range append(dropped, removed...) {
		reason += "; " + err.Error()
	}
	return &Outcome{
		State: Failed, Reason: reason,
		Next: "Ask again; if neither the policy nor the account links were altered meanwhile, run `scanwarden audit verify`.",
	}, nil
}

// standingTimeout bounds all calls of Config.Standing for one claim.
const standingTimeout = 10 * time.Second

// checkStanding calls Config.Standing for each approval. It returns those that count, why others do not, and why it
// cannot be known for the rest.
func (g *Gate) checkStanding(ctx context.Context, approvals []Decision) (counted []Decision, removed, unknown []error) {
	if g.cfg.Standing == nil {
		return approvals, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, standingTimeout)
	defer cancel()
	for _, d := range approvals {
		switch err := g.cfg.Standing(ctx, d); {
		case err == nil:
			counted = append(counted, d)
		case errors.Is(err, ErrUnavailable):
			unknown = append(unknown, fmt.Errorf("whether %s may still approve is not known: %w", d.Principal, err))
		default:
			removed = append(removed, fmt.Errorf("the approval of %s no longer counts: %w", d.Principal, err))
		}
	}
	return counted, removed, unknown
}
