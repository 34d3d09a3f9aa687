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
	e := electorate{Policy: p, people: join(p.People, links)}
	j := p.judge(c.subjected()).atLeast(c.Needed)
	v := Explanation{Needed: j.needed, Because: j.because, Rules: j.rules, Approvers: []string{}}
	err := j.refusal
	if err == nil {
		err = e.answerable(c, j)
	}
	if err != nil {
		v.Refused = err.Error()
		return v
	}
	v.Approvers = e.voters(c)
	return v
}

// answerable refuses a change that nobody could confirm by now.
func (e electorate) answerable(c Change, need judgement) error {
	switch {
	case e.onOwnClient(c) && need.needed > 1:
		return fmt.Errorf("the change needs %s to confirm (%s), and only the requester's own client was asked", persons(need.needed), need.because)
	case e.ownServer(c.Local, Client) && e.onOwnClient(c):
		return nil
	case len(e.Approvers) == 0:
		return errNobody
	}
	return e.enoughApprovers(need, c)
}

// onOwnClient reports whether the requester alone is asked, or alone would count.
func (e electorate) onOwnClient(c Change) bool {
	elsewhere := slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch != Client })
	return slices.Contains(c.Channels, Client) && !c.Agent && (!elsewhere || e.ownServer(c.Local, Client))
}

// voters lists who may confirm c, in the order of the policy and each person once.
func (e electorate) voters(c Change) []string {
	if e.onOwnClient(c) {
		return []string{e.called(c.Requester) + ", on their own client"}
	}
	who, seen := []string{}, map[string]bool{}
	for _, approver := range e.Approvers {
		key := e.people.person(Principal(approver)).key()
		switch {
		case isGroup(approver):
			who = append(who, "whoever is in "+approver)
		case !seen[key] && e.mayEver(Principal(approver), c):
			seen[key] = true
			who = append(who, e.called(Principal(approver)))
		}
	}
	return who
}

// called is what people call somebody.
func (e electorate) called(who Principal) string {
	if name := e.people.person(who).Name; name != "" {
		return fmt.Sprintf("%s (%s)", name, who)
	}
	return string(who)
}
