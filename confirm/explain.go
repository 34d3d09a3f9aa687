package confirm

import (
	"fmt"
	"slices"
)

// Explanation says what policy makes of a change, and why: for `scanwarden doctor --explain`.
type Explanation struct {
	Needed    int          `json:"needed"`            // how many people must confirm
	Because   string       `json:"because"`           // what decided that number
	Refused   string       `json:"refused,omitempty"` // why nobody may confirm it at all
	Rules     []RuleResult `json:"rules,omitempty"`   // every rule, in the order of the file
	Approvers []string     `json:"who"`               // who may confirm it; never nil
}

// RuleResult is one rule's say in a Verdict.
type RuleResult struct {
	Rule   string `json:"rule"`
	Holds  bool   `json:"holds"`
	Failed bool   `json:"failed,omitempty"` // it could not be evaluated, so that it refuses
	Detail string `json:"says"`             // what follows, or why it could not be evaluated
}

// Explain judges a change by this policy, as a vote on it would be judged now; links are those of the ledger
// (Ledger.Links). The same change, policy and links give the same verdict.
func (p Policy) Explain(c Change, links ...Link) Explanation {
	e := authorizer{Policy: p, ids: newIdentities(p.People, links)}
	j := p.requirementFor(c.ruleInput()).atLeast(c.Needed)
	v := Explanation{Needed: j.needed, Because: j.reason, Rules: j.rules, Approvers: []string{}}
	err := j.refusal
	if err == nil {
		err = e.checkSatisfiable(c, j)
	}
	if err != nil {
		v.Refused = err.Error()
		return v
	}
	v.Approvers = e.listApprovers(c)
	return v
}

// checkSatisfiable refuses a change that nobody could confirm by now.
func (e authorizer) checkSatisfiable(c Change, need requirement) error {
	switch {
	case e.clientOnly(c) && need.needed > 1:
		return fmt.Errorf("the change needs %s to confirm (%s), and only the requester's own client was asked", peopleText(need.needed), need.reason)
	case e.isOwnStdio(c.Local, Client) && e.clientOnly(c):
		return nil
	case len(e.Approvers) == 0:
		return errNoApprovers
	}
	return e.checkEnoughApprovers(need, c)
}

// clientOnly reports whether the requester alone is asked, or alone would count.
func (e authorizer) clientOnly(c Change) bool {
	elsewhere := slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch != Client })
	return slices.Contains(c.Channels, Client) && !c.Agent && (!elsewhere || e.isOwnStdio(c.Local, Client))
}

// listApprovers lists who may confirm c, in the order of the policy and each person once.
func (e authorizer) listApprovers(c Change) []string {
	if e.clientOnly(c) {
		return []string{e.displayName(c.Requester) + ", on their own client"}
	}
	who, seen := []string{}, map[string]bool{}
	for _, approver := range e.Approvers {
		key := e.ids.personOf(Principal(approver)).key()
		switch {
		case isGroup(approver):
			who = append(who, "whoever is in "+approver)
		case !seen[key] && e.couldApprove(Principal(approver), c):
			seen[key] = true
			who = append(who, e.displayName(Principal(approver)))
		}
	}
	return who
}

// displayName is what people call somebody.
func (e authorizer) displayName(who Principal) string {
	if name := e.ids.personOf(who).Name; name != "" {
		return fmt.Sprintf("%s (%s)", name, who)
	}
	return string(who)
}
