package confirm

import (
	"errors"
	"fmt"
	"strings"
)

// Rule is one compiled rule of a policy: where it holds, it asks for more people, or refuses.
type Rule struct {
	Name      string
	Approvals int    // at least so many people; 0 where it refuses
	Refuse    string // why such a change is not allowed here; "" where it does not refuse
	Condition string // the condition as written, for people
	// Holds reports whether the rule is about this change. A rule that cannot be evaluated refuses: it fails closed.
	Holds func(RuleInput) (bool, error)
}

// RuleInput is what a rule sees of a change.
type RuleInput struct {
	Facts
	Operation string
	Requester Principal
	Person    []Principal // every principal of theirs that was known when they asked, Requester first
	Source    string      // one of Doors
	Agent     bool
}

func (c Change) ruleInput() RuleInput {
	return RuleInput{
		Facts: c.Facts, Operation: c.Operation, Requester: c.Requester, Source: c.Source, Agent: c.Agent,
		Person: append([]Principal{c.Requester}, c.RequesterAlso...),
	}
}

// requirement is what policy makes of a change.
type requirement struct {
	needed  int          // how many people must confirm
	reason  string       // what decided that number
	raised  bool         // a rule did
	refusal error        // why nobody may confirm it; nil where somebody may
	rules   []RuleResult // every rule, in the order of the policy
}

// requirementFor holds a change against the policy. The first rule that refuses is the one that is named, and of those
// that ask for the most people, too.
func (p Policy) requirementFor(s RuleInput) requirement {
	j := requirement{needed: p.required(s.Operation)}
	j.reason = fmt.Sprintf("policy: approvals_required asks for %s for %s", peopleText(j.needed), s.Operation)
	if p.Required[s.Operation] <= 0 {
		j.reason = "policy: 1 person is enough where nothing asks for more"
	}
	for _, r := range p.Rules {
		j.applyRule(r, s)
	}
	return j
}

// atLeast is the judgement of a change for which more people were asked when it was planned: the number only rises.
func (j requirement) atLeast(needed int) requirement {
	if needed > j.needed {
		j.needed, j.reason = needed, fmt.Sprintf("policy: %s had to confirm when it was asked for", peopleText(needed))
	}
	return j
}

// applyRule adds one rule's say.
func (j *requirement) applyRule(r Rule, s RuleInput) {
	holds, err := r.appliesTo(s)
	say := RuleResult{Rule: r.Name, Holds: holds, Detail: "does not hold"}
	switch {
	case err != nil:
		say.Failed, say.Detail = true, fmt.Sprintf("cannot be evaluated, so that it refuses: %v", err)
		j.refuse(fmt.Errorf("the policy's rule %q cannot be evaluated for this change (%w), so nobody may confirm it; ask anew, or have an operator correct the rule", r.Name, err))
	case holds && r.Refuse != "":
		say.Detail = "refuses: " + r.Refuse
		j.refuse(fmt.Errorf("the policy's rule %q does not allow this change: %s; ask for another change, or have an operator alter the rule",
			r.Name, strings.TrimRight(r.Refuse, " .")))
	case holds:
		say.Detail = "asks for " + peopleText(r.Approvals)
		if r.Approvals > j.needed {
			j.needed, j.raised = r.Approvals, true
			j.reason = fmt.Sprintf("policy: the rule %q asks for %s", r.Name, peopleText(r.Approvals))
		}
	}
	j.rules = append(j.rules, say)
}

func (j *requirement) refuse(why error) {
	if j.refusal == nil {
		j.refusal = why
	}
}

func (r Rule) appliesTo(s RuleInput) (bool, error) {
	if r.Holds == nil {
		return false, errors.New("it has no condition")
	}
	if s.Facts.Empty() {
		return false, errors.New("the plan does not say what it means: an earlier version of scanwarden made it")
	}
	return r.Holds(s)
}

// peopleText is a number of them, in words.
func peopleText(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
