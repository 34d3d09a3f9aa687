package confirm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/confirm/rule"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	change := func(count int) confirm.Change {
		return confirm.Change{
			Proposal: deleteMany(count), Requester: ada, Needed: 1, Channels: []confirm.Channel{confirm.Slack},
		}
	}
	all := []rule.Source{
		askRule("many deletes", "count > 3", 2), refuseRule("huge", "addresses > 1000", "too many at once"), askRule("small", "count > 0", 1),
	}
	people := []confirm.Person{{Name: "Bob", Principals: []confirm.Principal{bob, "slack:T1/UB"}}}
	approvers := []string{string(ada), "slack:T1/UB", string(bob), string(cleo)}
	for name, tt := range map[string]struct {
		policy confirm.Policy
		change confirm.Change
		links  []confirm.Link
		want   confirm.Explanation
	}{
		"a rule decides": {
			confirm.Policy{Approvers: approvers, People: people, Rules: compileRules(t, all...)}, change(4), nil,
			confirm.Explanation{Needed: 2, Because: `policy: the rule "many deletes" asks for 2 people`,
				Rules: []confirm.RuleResult{
					{Rule: "many deletes", Holds: true, Detail: "asks for 2 people"}, {Rule: "huge", Detail: "does not hold"},
					{Rule: "small", Holds: true, Detail: "asks for 1 person"}},
				Approvers: []string{"Bob (slack:T1/UB)", "token:cleo"}},
		},
		"the operation decides": {
			confirm.Policy{Approvers: approvers, Required: map[string]int{"delete_scans": 2}, Rules: compileRules(t, all[2])}, change(1), nil,
			confirm.Explanation{Needed: 2, Because: "policy: approvals_required asks for 2 people for delete_scans",
				Rules:     []confirm.RuleResult{{Rule: "small", Holds: true, Detail: "asks for 1 person"}},
				Approvers: []string{"slack:T1/UB", "token:bob", "token:cleo"}},
		},
		"nothing decides": {
			confirm.Policy{Approvers: []string{string(bob), "slack-group:S1"}, SelfApproval: true}, change(1), nil,
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more",
				Approvers: []string{"token:bob", "any member of slack-group:S1"}},
		},
		"self-approval": {
			confirm.Policy{Approvers: []string{string(ada)}, SelfApproval: true}, change(1), nil,
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more", Approvers: []string{"token:ada"}},
		},
		"what it needed before": {
			confirm.Policy{Approvers: approvers}, func() confirm.Change { c := change(1); c.Needed = 3; return c }(), nil,
			confirm.Explanation{Needed: 3, Because: "policy: 3 people had to confirm when it was asked for",
				Approvers: []string{"slack:T1/UB", "token:bob", "token:cleo"}},
		},
		"a rule refuses": {
			confirm.Policy{Approvers: approvers, Rules: compileRules(t, refuseRule("none", "count > 0", "not now"), refuseRule("never", "true", "never"))}, change(1), nil,
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more",
				Refused: `the policy's rule "none" does not allow this change: not now; ask for another change, or have an operator alter the rule`,
				Rules: []confirm.RuleResult{
					{Rule: "none", Holds: true, Detail: "refuses: not now"}, {Rule: "never", Holds: true, Detail: "refuses: never"}},
				Approvers: []string{}},
		},
		"a rule has no answer": {
			confirm.Policy{Approvers: approvers, Rules: compileRules(t, askRule("the sixth", `scans[5] == "x"`, 1))}, change(1), nil,
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more",
				Refused: `the policy's rule "the sixth" cannot be evaluated for this change (it has no answer here: index out of bounds: 5), so nobody may confirm it; ask again, or have an operator correct the rule`,
				Rules: []confirm.RuleResult{
					{Rule: "the sixth", Failed: true, Detail: "cannot be evaluated, so that it refuses: it has no answer here: index out of bounds: 5"}},
				Approvers: []string{}},
		},
		"no approver is listed": {
			confirm.Policy{}, change(1), nil,
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more",
				Refused: "nobody is allowed to confirm changes; an operator has to list approvers (SCANWARDEN_APPROVERS)", Approvers: []string{}},
		},
		"too few are listed": {
			confirm.Policy{Approvers: []string{string(ada), string(bob)}, Rules: compileRules(t, all[0])}, change(4), nil,
			confirm.Explanation{Needed: 2, Because: `policy: the rule "many deletes" asks for 2 people`,
				Refused: `2 people must confirm (policy: the rule "many deletes" asks for 2 people), but only 1 of the listed approvers may; an operator has to list more`,
				Rules:   []confirm.RuleResult{{Rule: "many deletes", Holds: true, Detail: "asks for 2 people"}}, Approvers: []string{}},
		},
		"the local user": {
			confirm.Policy{}, confirm.Change{Proposal: deleteMany(1), Requester: local, Local: true, Channels: []confirm.Channel{confirm.Client}}, nil,
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more", Approvers: []string{"local:ada, on their own client"}},
		},
		"the requester's client alone": {
			confirm.Policy{Approvers: []string{string(ada), string(bob)}, SelfApproval: true},
			confirm.Change{Proposal: deleteMany(1), Requester: ada, Channels: []confirm.Channel{confirm.Client}}, nil,
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more", Approvers: []string{"token:ada, on their own client"}},
		},
		"an agent": {
			confirm.Policy{Approvers: []string{string(bob)}},
			confirm.Change{Proposal: deleteMany(1), Requester: agentApp, Agent: true, Local: true, Channels: []confirm.Channel{confirm.Slack}}, nil,
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more", Approvers: []string{"token:bob"}},
		},
		"the local user, and a rule that asks for another": {
			confirm.Policy{Rules: compileRules(t, askRule("two", "count > 0", 2))},
			confirm.Change{Proposal: deleteMany(1), Requester: local, Local: true, Channels: []confirm.Channel{confirm.Client}}, nil,
			confirm.Explanation{Needed: 2, Because: `policy: the rule "two" asks for 2 people`,
				Refused: `the change needs 2 people to confirm (policy: the rule "two" asks for 2 people), and only the requester's own client was asked; ask again on another channel`,
				Rules:   []confirm.RuleResult{{Rule: "two", Holds: true, Detail: "asks for 2 people"}}, Approvers: []string{}},
		},
		"the requester by a link": {
			confirm.Policy{Approvers: []string{string(entraBob), string(cleo)}},
			confirm.Change{Proposal: deleteMany(1), Requester: slackBob, Channels: []confirm.Channel{confirm.Slack}}, []confirm.Link{linkBob()},
			confirm.Explanation{Needed: 1, Because: "policy: 1 person is enough where nothing asks for more", Approvers: []string{"token:cleo"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.policy.Explain(tt.change, tt.links...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	holds := func(confirm.RuleInput) (bool, error) { return true, nil }
	good := confirm.Rule{Name: "a", Approvals: 10, Holds: holds}
	alter := func(f func(*confirm.Rule)) []confirm.Rule {
		r := good
		f(&r)
		return []confirm.Rule{r}
	}
	for name, tt := range map[string]struct {
		policy confirm.Policy
		parts  []string // nil means nothing is wrong
	}{
		"nothing": {confirm.Policy{}, nil},
		"all is well": {confirm.Policy{
			Approvers: []string{"slack:T/U"}, Requesters: []string{"slack-group:S", "entra-role:R"},
			Rules: []confirm.Rule{good, {Name: "b", Refuse: "no", Holds: holds}},
		}, nil},
		"approvers":       {confirm.Policy{Approvers: []string{"ada"}}, []string{"approvers:", `"ada"`}},
		"requesters":      {confirm.Policy{Requesters: []string{"slack:"}}, []string{"requesters:", `"slack:"`}},
		"both at once":    {confirm.Policy{Approvers: []string{"ada"}, Requesters: []string{":x"}}, []string{"approvers:", "requesters:"}},
		"no name":         {confirm.Policy{Rules: alter(func(r *confirm.Rule) { r.Name = "" })}, []string{"rule 1 has no name"}},
		"the same name":   {confirm.Policy{Rules: []confirm.Rule{good, good}}, []string{`called "a"`}},
		"no condition":    {confirm.Policy{Rules: alter(func(r *confirm.Rule) { r.Holds = nil })}, []string{`"a" has no condition`}},
		"no people":       {confirm.Policy{Rules: alter(func(r *confirm.Rule) { r.Approvals = 0 })}, []string{"from 1 to 10"}},
		"less than that":  {confirm.Policy{Rules: alter(func(r *confirm.Rule) { r.Approvals = -1 })}, []string{"from 1 to 10"}},
		"too many":        {confirm.Policy{Rules: alter(func(r *confirm.Rule) { r.Approvals = 11 })}, []string{"from 1 to 10"}},
		"both":            {confirm.Policy{Rules: alter(func(r *confirm.Rule) { r.Refuse = "no" })}, []string{"keep one"}},
		"one in two":      {confirm.Policy{People: []confirm.Person{{Name: "A", Principals: []confirm.Principal{ada}}, {Name: "B", Principals: []confirm.Principal{ada}}}}, []string{"list it once"}},
		"rule and people": {confirm.Policy{Rules: []confirm.Rule{good, good}, Approvers: []string{"x"}}, []string{`called "a"`, `"x"`}},
	} {
		err := tt.policy.Check()
		if (err != nil) != (tt.parts != nil) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		for _, part := range tt.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not contain %q", name, err, part)
			}
		}
	}
}
