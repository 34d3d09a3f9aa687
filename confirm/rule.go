package confirm

import (
	"errors"
	"fmt"
	"strings"
)

// Rule is one compiled rule of a policy. For the changes that its condition matches, it requires more approvers or a
// stronger sign-in, or refuses the change.
type Rule struct {
	Name      string
	Approvals int    // how many people must approve at least; 0 for a rule that refuses or requires a context alone
	Refuse    string // why such a change is not allowed here; "" for a rule that does not refuse
	// AuthContext is the authentication context of Microsoft Entra ID ("c1" to "c99") with which every approver must have
	// signed in; "" requires none.
	AuthContext string
	Condition   string // the condition as written in the configuration
	// Holds reports whether the condition matches. An error refuses the change: a rule that cannot be evaluated fails
	// closed.
	Holds func(RuleInput) (bool, error)
}

// RuleInput is the part of a change that rules can see.
type RuleInput struct {
	Facts
	Operation string
	Requester Principal
	Person    []Principal // Requester first, then the person's other principals at the time of the proposal
	Source    string      // one of Sources
	Agent     bool
}

// ruleInput returns the part of c that rules can see.
func (c Change) ruleInput() RuleInput {
	return RuleInput{
		Facts: c.Facts, Operation: c.Operation, Requester: c.Requester, Source: c.Source, Agent: c.Agent,
		Person: append([]Principal{c.Requester}, c.RequesterAlso...),
	}
}

// requirement is what a policy requires of one change.
type requirement struct {
	needed  int          // how many people must approve
	reason  string       // what determined needed
	raised  bool         // a rule determined needed
	refusal error        // why the change cannot be confirmed; nil if it can
	rules   []RuleResult // every rule, in the order of the policy
	// contexts are the authentication contexts that each approval must have.
	contexts []ContextRequirement
}

// requirementFor returns what the policy requires of a change. Of several rules that refuse, the first one is named, and
// of those that require the most people too.
func (p Policy) requirementFor(in RuleInput) requirement {
	need := requirement{needed: p.required(in.Operation)}
	need.reason = fmt.Sprintf("policy: approvals_required asks for %s for %s", peopleText(need.needed), in.Operation)
	if p.Required[in.Operation] <= 0 {
		need.reason = "policy: 1 person is enough where nothing asks for more"
	}
	for _, r := range p.Rules {
		need.applyRule(r, in)
	}
	return need
}

// atLeast returns the requirement raised to the number of people that was required at the time of the proposal. The
// number never falls.
func (need requirement) atLeast(needed int) requirement {
	if needed > need.needed {
		need.needed = needed
		need.reason = fmt.Sprintf("policy: %s had to confirm when it was asked for", peopleText(needed))
	}
	return need
}

// applyRule adds the result of one rule.
func (need *requirement) applyRule(r Rule, in RuleInput) {
	holds, err := r.appliesTo(in)
	result := RuleResult{Rule: r.Name, Holds: holds, Detail: "does not hold"}
	switch {
	case err != nil:
		result.Failed, result.Detail = true, fmt.Sprintf("cannot be evaluated, so that it refuses: %v", err)
		need.refuse(fmt.Errorf("the policy's rule %q cannot be evaluated for this change (%w), so nobody may confirm it; ask again, or have an operator correct the rule", r.Name, err))
	case holds && r.Refuse != "":
		result.Detail = "refuses: " + r.Refuse
		need.refuse(fmt.Errorf("the policy's rule %q does not allow this change: %s; ask for another change, or have an operator alter the rule",
			r.Name, strings.TrimRight(r.Refuse, " .")))
	case holds:
		result.Detail = r.asksFor()
		if r.AuthContext != "" {
			need.addContext(r)
		}
		if r.Approvals > need.needed {
			need.needed, need.raised = r.Approvals, true
			need.reason = fmt.Sprintf("policy: the rule %q asks for %s", r.Name, peopleText(r.Approvals))
		}
	}
	need.rules = append(need.rules, result)
}

// refuse sets the refusal, unless an earlier rule did.
func (need *requirement) refuse(why error) {
	if need.refusal == nil {
		need.refusal = why
	}
}

// appliesTo reports whether the rule's condition matches. It returns an error for a change without facts.
func (r Rule) appliesTo(in RuleInput) (bool, error) {
	if r.Holds == nil {
		return false, errors.New("it has no condition")
	}
	if in.Facts.Empty() {
		return false, errors.New("the plan has no facts: an earlier version of scanwarden made it")
	}
	return r.Holds(in)
}

// asksFor returns what a rule that does not refuse requires.
func (r Rule) asksFor() string {
	var parts []string
	if r.Approvals > 0 {
		parts = append(parts, peopleText(r.Approvals))
	}
	if r.AuthContext != "" {
		parts = append(parts, "a sign-in with the authentication context "+r.AuthContext)
	}
	return "asks for " + strings.Join(parts, " and ")
}

// peopleText returns "1 person" or "N people".
func peopleText(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
