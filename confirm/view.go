package confirm

import (
	"context"
	"slices"
)

// Viewer is a signed-in person who wants to see changes.
type Viewer struct {
	Principal Principal
	Groups    []string // verified groups, named as in Policy.Approvers
}

// CanView reports whether the person may see c with all its fields: they have proposed it, or the policy lists them as an
// approver now. A change of another tenant is visible to nobody.
func (g *Gate) CanView(ctx context.Context, c Change, v Viewer) (bool, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return false, err
	}
	return g.hasTarget(c) && a.mayView(c, v), nil
}

// VisibleChanges returns the changes that match f and that the person may see, newest first. If f.Limit cuts the list,
// some of the changes that are left may have been hidden.
func (g *Gate) VisibleChanges(ctx context.Context, v Viewer, f Filter) ([]Change, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := g.Changes(ctx, f)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(changes, func(c Change) bool { return !a.mayView(c, v) }), nil
}

// mayView reports whether v may see c.
func (a authorizer) mayView(c Change, v Viewer) bool {
	return a.ids.samePerson(c.Requester, v.Principal) || a.isListed(a.Approvers, v.Principal, v.Groups)
}

// Approver is one entry of the policy's approvers as it concerns a change.
type Approver struct {
	Principal Principal // "" for a group
	Group     string    // "slack-group:ID" or "entra-role:NAME"; "" for a principal
	Name      string    // the person's name; "" if none is known
	Decision  *Decision // the decision that this person has made; nil if none
	Excluded  string    // why an approval of theirs would not count for this change; "" if it would
}

// Approvers returns who can decide c under the policy of this moment, each person once, in the order of the policy. On
// the requester's own stdio server without listed approvers, that is the requester.
func (g *Gate) Approvers(ctx context.Context, c Change) ([]Approver, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return nil, err
	}
	entries := a.Policy.Approvers
	if len(entries) == 0 && c.Local {
		entries = []string{string(c.Requester)}
	}
	var out []Approver
	seen := map[string]bool{}
	for _, entry := range entries {
		if isGroup(entry) {
			out = append(out, Approver{Group: entry})
			continue
		}
		person := a.ids.personOf(Principal(entry))
		if seen[person.key()] {
			continue
		}
		seen[person.key()] = true
		out = append(out, a.approverOf(c, Principal(entry)))
	}
	return out, nil
}

// approverOf returns the approver behind a listed principal.
func (a authorizer) approverOf(c Change, principal Principal) Approver {
	out := Approver{Principal: principal, Name: a.ids.personOf(principal).Name}
	for _, d := range c.Decisions {
		if a.ids.sameVoter(d, a.newDecision(Vote{Principal: principal})) {
			out.Decision = &d
		}
	}
	if len(a.Policy.Approvers) > 0 && !a.couldApprove(principal, c) {
		out.Excluded = "asked for it, so may not confirm it"
	}
	return out
}
