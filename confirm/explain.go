package confirm

import (
	"fmt"
	"slices"
)

// Explanation is the policy's decision about a change, with reasons, for `scanwarden doctor --explain`.
type Explanation struct {
	Needed    int          `json:"needed"`            // how many people must approve
	Because   string       `json:"because"`           // what determined Needed
	Refused   string       `json:"refused,omitempty"` // why the change cannot be confirmed at all
	Rules     []RuleResult `json:"rules,omitempty"`   // every rule, in the order of the file
	Approvers []string     `json:"who"`               // the people who may approve it; never nil
}

// RuleResult is the result of one rule in an Explanation.
type RuleResult struct {
	Rule   string `json:"rule"`
	Holds  bool   `json:"holds"`
	Failed bool   `json:"failed,omitempty"` // it could not be evaluated, so that it refuses
	Detail string `json:"says"`             // what follows, or why it could not be evaluated
}

// Explain returns how this policy would decide a vote on c now. The links are those in the ledger (Store.Links). The
// same change, policy and links always give the same explanation.
func (p Policy) Explain(c Change, links ...Link) Explanation {
	a := authorizer{Policy: p, ids: newIdentities(p.People, links)}
	need := p.requirementFor(c.ruleInput()).atLeast(c.Needed)
	e := Explanation{Needed: need.needed, Because: need.reason, Rules: need.rules, Approvers: []string{}}
	err := need.refusal
	if err == nil {
		err = a.checkSatisfiable(c, need)
	}
	if err != nil {
		e.Refused = err.Error()
		return e
	}
	e.Approvers = a.listApprovers(c)
	return e
}

// checkSatisfiable returns nil if enough people may approve c.
func (a authorizer) checkSatisfiable(c Change, need requirement) error {
	switch {
	case len(need.contexts) > 0 && !slices.Contains(c.Channels, WebPage):
		return &ContextError{Required: need.contexts[0]}
	case a.clientOnly(c) && need.needed > 1:
		return fmt.Errorf("the change needs %s to confirm (%s), and only the requester's own client was asked; ask again on another channel",
			peopleText(need.needed), need.reason)
	case a.isOwnStdio(c.Local, Client) && a.clientOnly(c):
		return nil
	case len(a.Approvers) == 0:
		return errNoApprovers
	}
	return a.checkEnoughApprovers(need, c)
}

// clientOnly reports whether c can be approved only by the requester, on their own client.
func (a authorizer) clientOnly(c Change) bool {
	elsewhere := slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch != Client })
	return slices.Contains(c.Channels, Client) && !c.Agent && (!elsewhere || a.isOwnStdio(c.Local, Client))
}

// listApprovers returns the people and groups that may approve c, in the order of the policy and each person once.
func (a authorizer) listApprovers(c Change) []string {
	if a.clientOnly(c) {
		return []string{a.displayName(c.Requester) + ", on their own client"}
	}
	listed, seen := []string{}, map[string]bool{}
	for _, approver := range a.Approvers {
		key := a.ids.personOf(Principal(approver)).key()
		switch {
		case isGroup(approver):
			listed = append(listed, "any member of "+approver)
		case !seen[key] && a.couldApprove(Principal(approver), c):
			seen[key] = true
			listed = append(listed, a.displayName(Principal(approver)))
		}
	}
	return listed
}

// displayName returns the person's name with the principal, or the principal alone where no name is known.
func (a authorizer) displayName(principal Principal) string {
	if name := a.ids.personOf(principal).Name; name != "" {
		return fmt.Sprintf("%s (%s)", name, principal)
	}
	return string(principal)
}
