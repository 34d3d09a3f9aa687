package confirm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTampered means that a record of the ledger does not verify: it was altered, copied or restored by someone without
// the keys. The change is never sent. The error also matches ErrRefused, and its text is for users.
var ErrTampered = errors.New("the ledger was altered")

// The kinds of records that can fail to verify.
const (
	KindProposal = "proposal" // a proposal, or the terms of confirming it
	KindDecision = "decision"
	KindOutcome  = "outcome" // how a change ended, or why it still waits
	KindLink     = "link"    // one identity link
	KindLinkSet  = "links"   // a link was removed or put back
	KindHistory  = "history" // the change is not as the audit log left it
	KindClaims   = "claims"  // a claim of the scans that a change writes was removed, altered or added
)

// Tampering describes a record that does not verify.
type Tampering struct {
	Kind   string    // one of the kinds above
	Change string    // the change's id; "" for a link
	Link   Principal // the Slack side of the link; "" for a change
	Reason string    // why the record does not verify, and what to do; it has no text of the record
	// OtherKey is set for a record that names another server key. It may be an honest record of a server that has one.
	OtherKey bool
}

// tamperingError is a Tampering as an error.
type tamperingError struct{ Tampering }

func (e tamperingError) Error() string { return e.Reason }

// Is makes every such error a refusal too.
func (e tamperingError) Is(target error) bool { return target == ErrTampered || target == ErrRefused }

// NewTamperingError returns an error that matches ErrTampered and ErrRefused.
func NewTamperingError(t Tampering) error { return tamperingError{t} }

// verifyChange returns nil if the proposal and every decision of c have a valid MAC.
func (m recordMAC) verifyChange(c Change) error {
	if err := m.check(c.MAC, m.proposal(c)); err != nil {
		return proposalError(c, err)
	}
	for _, d := range c.Decisions {
		if err := m.check(d.MAC, m.decision(c, d)); err != nil {
			return tamperingError{Tampering{
				Kind: KindDecision, Change: c.ID, OtherKey: errors.Is(err, errOtherKey),
				Reason: fmt.Sprintf("a decision in the ledger does not verify, so nothing is sent: %v; propose the change again, and run `scanwarden audit verify`", err),
			}}
		}
	}
	digest, err := c.Proposal.Digest()
	if err != nil || digest != c.Digest {
		return tamperingError{Tampering{
			Kind: KindProposal, Change: c.ID,
			Reason: "the proposal in the ledger is not what was put to people, so nothing is sent; propose it again, and run `scanwarden audit verify`",
		}}
	}
	return nil
}

// proposalError returns ErrTampered: the MAC of the proposal of c does not verify because of why.
func proposalError(c Change, why error) error {
	return tamperingError{Tampering{
		Kind: KindProposal, Change: c.ID, OtherKey: errors.Is(why, errOtherKey),
		Reason: fmt.Sprintf("the proposal in the ledger does not verify, so it cannot be confirmed: %v; propose it again", why),
	}}
}

// verifyLinks returns the links with a valid MAC, and a Tampering for each of the others.
func (m recordMAC) verifyLinks(links []Link) (valid, invalid []Link, why []Tampering) {
	for _, l := range links {
		err := m.check(l.MAC, m.link(l))
		if err == nil {
			valid = append(valid, l)
			continue
		}
		invalid = append(invalid, l)
		why = append(why, Tampering{
			Kind: KindLink, Link: l.From, OtherKey: errors.Is(err, errOtherKey),
			Reason: fmt.Sprintf("the account link does not verify, so neither account can approve: %v; have the person link the accounts again, or remove the link with `scanwarden people unlink`", err),
		})
	}
	return valid, invalid, why
}

// checkLinkSet returns nil if all links, or those of them that are valid, are the ones that the signed head of the audit
// log knows. All of them are where the server key was replaced, and the valid ones are where a row was added.
func checkLinkSet(all, valid []Link, set string) error {
	if LinkSetHash(valid) == set || LinkSetHash(all) == set {
		return nil
	}
	return tamperingError{Tampering{
		Kind:   KindLinkSet,
		Reason: "the account links in the ledger are not those of its audit log, so nobody's identity is certain and no vote counts; run `scanwarden audit verify` and restore the links",
	}}
}

// maxReported bounds the tamperings that are remembered as reported. Beyond it they are reported again.
const maxReported = 10_000

// report logs a tampering and calls Config.OnTampering, once for each record and reason. It returns err unchanged.
func (g *Gate) report(ctx context.Context, err error) error {
	var t tamperingError
	if !errors.As(err, &t) {
		return err
	}
	g.mu.Lock()
	known := g.reported[t.Tampering]
	if len(g.reported) >= maxReported {
		clear(g.reported)
	}
	g.reported[t.Tampering] = true
	g.mu.Unlock()
	if known {
		return err
	}
	g.cfg.Log.ErrorContext(ctx, "ledger tampering", "attack", true, "kind", t.Kind, "change", t.Change, "link", t.Link, "reason", t.Reason)
	if g.cfg.OnTampering != nil {
		g.cfg.OnTampering(t.Tampering)
	}
	return err
}

// blockTime is how long a change that does not verify is left alone before it is tried again: an operator may have
// restored it.
const blockTime = time.Minute

// blockedChange is why a change is left alone, and until when.
type blockedChange struct {
	why   error
	until time.Time
}

// block leaves the change alone for blockTime and wakes its Wait calls. The ledger is not altered: recording an end
// would continue the audit log from a state that it does not have.
func (g *Gate) block(id string, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.blocked) >= maxReported {
		clear(g.blocked)
	}
	g.blocked[id] = blockedChange{why, g.cfg.Now().Add(blockTime)}
	g.wakeLocked(id)
}

// blockedError returns why the change is left alone now, or nil.
func (g *Gate) blockedError(id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	b, known := g.blocked[id]
	if !known || g.cfg.Now().After(b.until) {
		delete(g.blocked, id)
		return nil
	}
	return b.why
}

// inspectLimit bounds how many open changes Inspect reads.
const inspectLimit = 10_000

// Inspect returns every open change and every link that does not verify under the server key, and what was done to the
// claims, for `scanwarden doctor` and `scanwarden audit verify`. It records nothing.
func Inspect(ctx context.Context, s Store, serverKey []byte) ([]Tampering, error) {
	m := newRecordMAC(serverKey)
	var t tamperingError
	links, set, err := s.LinkSet(ctx)
	if errors.As(err, &t) {
		return []Tampering{t.Tampering}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("inspect ledger: %w", err)
	}
	valid, _, found := m.verifyLinks(links)
	if errors.As(checkLinkSet(links, valid, set), &t) {
		found = append(found, t.Tampering)
	}
	if err := s.CheckClaims(ctx); errors.As(err, &t) {
		found = append(found, t.Tampering)
	} else if err != nil {
		return found, fmt.Errorf("inspect ledger: %w", err)
	}
	open, err := s.Changes(ctx, Filter{States: []State{Pending, Approved, Executing, Unknown}, Limit: inspectLimit})
	if err != nil {
		return found, fmt.Errorf("inspect ledger: %w", err)
	}
	for _, c := range open {
		if errors.As(m.verifyRow(c), &t) {
			found = append(found, t.Tampering)
		}
	}
	return found, nil
}
