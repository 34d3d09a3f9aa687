package confirm_test

import (
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/rule"
)

// compileRules returns compiled rules, as a policy file would have them.
func compileRules(t testing.TB, sources ...rule.Source) []confirm.Rule {
	t.Helper()
	made, err := rule.Compile(sources)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func askRule(name, when string, people int) rule.Source {
	return rule.Source{Name: name, When: when, Approvals: people}
}

func refuseRule(name, when, why string) rule.Source {
	return rule.Source{Name: name, When: when, Refuse: why}
}

func TestARuleRequiresMorePeople(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{
		Approvers: []string{string(bob), string(cleo)},
		Rules:     compileRules(t, askRule("many deletes", `operation == "delete_scans" && count > 3`, 2)),
	})
	few := s.proposePlan(t, deleteMany(3), onSlack(ada))
	if few.Needed != 1 || len(few.Warnings) != 1 {
		t.Errorf("where no rule holds it needs %d, with the warnings %q", few.Needed, few.Warnings)
	}
	many := s.proposePlan(t, deleteMany(4), onSlack("token:dora"))
	if last := many.Warnings[len(many.Warnings)-1]; many.Needed != 2 || last != `policy: the rule "many deletes" asks for 2 people` {
		t.Errorf("where one holds it needs %d, with the warning %q", many.Needed, last)
	}
	if c, err := s.Decide(t.Context(), many.ID, approval(bob)); err != nil || c.State != confirm.Pending {
		t.Fatalf("after one approval: %s, %v", c.State, err)
	}
	if _, err := s.Decide(t.Context(), many.ID, approval(cleo)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, many.ID, confirm.Applied, 1)
}

func TestTheLargestNumberCounts(t *testing.T) {
	t.Parallel()
	approvers := []string{string(bob), string(cleo), "token:dora", "token:eve"}
	for name, tt := range map[string]struct {
		required int
		rules    []rule.Source
		needed   int
		warning  string // "" if no rule determined the number
	}{
		"the operation's":        {3, []rule.Source{askRule("a", "count > 0", 2)}, 3, ""},
		"as many as it anyway":   {2, []rule.Source{askRule("a", "count > 0", 2)}, 2, ""},
		"the second rule's":      {1, []rule.Source{askRule("a", "count > 0", 2), askRule("b", "addresses > 9", 4)}, 4, `"b" asks for 4 people`},
		"the first of two alike": {1, []rule.Source{askRule("a", "count > 0", 3), askRule("b", "count > 0", 3)}, 3, `"a" asks for 3 people`},
		"of those that hold":     {1, []rule.Source{askRule("a", "count > 0", 2), askRule("b", "count > 99", 4)}, 2, `"a" asks for 2 people`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{
				Approvers: approvers, Required: map[string]int{"delete_scans": tt.required}, Rules: compileRules(t, tt.rules...),
			})
			c := s.proposePlan(t, deleteMany(1), onSlack(ada))
			warning := strings.Join(c.Warnings[1:], "\n")
			if c.Needed != tt.needed || !strings.Contains(warning, tt.warning) || (tt.warning == "") != (warning == "") {
				t.Errorf("it needs %d with the warning %q, want %d and %q", c.Needed, warning, tt.needed, tt.warning)
			}
		})
	}
}

func TestARefusedChangeIsNeverKept(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule     rule.Source
		plan     confirm.Proposal
		contains []string
	}{
		"it refuses": {
			refuseRule("no big ones", "addresses > 100", "nobody scans so many at once"), deleteMany(1),
			[]string{`"no big ones"`, "nobody scans so many at once", "have an operator"},
		},
		"it refuses with a whole sentence": {
			refuseRule("no big ones", "addresses > 100", "Nobody scans so many at once. "), deleteMany(1), []string{"at once; ask for another change"},
		},
		"it cannot be evaluated": {
			askRule("the sixth", `scans[5] == "x"`, 1), deleteMany(1), []string{`"the sixth"`, "cannot be evaluated", "have an operator"},
		},
		"there are no facts": {
			askRule("few", "count > 3", 1), deleteTwo(), []string{`"few"`, "cannot be evaluated", "an earlier version"},
		},
		"more people than there are": {
			askRule("three", "count > 0", 3), deleteMany(1), []string{`"three" asks for 3 people`, "only 2 of the listed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}, Rules: compileRules(t, tt.rule)})
			if err := s.CanPropose(t.Context(), tt.plan.Operation, onSlack(ada)); err != nil {
				t.Errorf("before there is a plan: %v", err)
			}
			_, err := s.Propose(t.Context(), tt.plan, onSlack(ada))
			wantRefusal(t, err, tt.contains...)
			if kept, err := s.store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
				t.Errorf("it was kept: %v %v", kept, err)
			}
		})
	}
}

func TestARuleWithoutAConditionRefuses(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Rules: []confirm.Rule{{Name: "empty", Approvals: 1}}})
	_, err := s.Propose(t.Context(), deleteMany(1), onSlack(ada))
	wantRefusal(t, err, `"empty"`)
}

func TestOneClientCannotSatisfyARuleForTwo(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Rules: compileRules(t, askRule("two", "count > 0", 2))})
	_, err := s.Propose(t.Context(), deleteMany(1), onOwnStdio(local))
	wantRefusal(t, err, `"two" asks for 2 people`, "another channel")
}

// Whatever the rules, a change cannot be confirmed where the policy lists no approvers.
func TestARuleNeverMakesAnApprover(t *testing.T) {
	t.Parallel()
	for _, r := range [][]rule.Source{nil, {askRule("one", "count > 0", 1)}, {askRule("never", "count > 99", 1)}} {
		s := newStack(t, confirm.Policy{Rules: compileRules(t, r...), SelfApproval: true})
		_, err := s.Propose(t.Context(), deleteMany(1), onSlack(ada))
		wantRefusal(t, err, "only 0 of the listed approvers")
		listed := s.withPolicy(func(p *confirm.Policy) { p.Approvers = []string{string(bob)} })
		c, err := listed.Propose(t.Context(), deleteMany(1), onSlack(ada))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Decide(t.Context(), c.ID, approval(bob))
		wantRefusal(t, err, "nobody is allowed")
		if v := s.cfg.Policy.Explain(c); len(v.Approvers) != 0 || v.Refused == "" {
			t.Errorf("the explanation is %+v", v)
		}
	}
}

func TestAStricterPolicyCountsAtTheVote(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
	more := s.withPolicy(func(p *confirm.Policy) { p.Rules = compileRules(t, askRule("two", "count > 0", 2)) })
	not := s.withPolicy(func(p *confirm.Policy) { p.Rules = compileRules(t, refuseRule("none", "count > 0", "not now")) })

	c := s.proposePlan(t, deleteMany(1), onSlack(ada))
	if got, err := more.Decide(t.Context(), c.ID, approval(bob)); err != nil || got.State != confirm.Pending {
		t.Errorf("where a rule now requires two, one approval gave %s, %v", got.State, err)
	}
	_, err := not.Decide(t.Context(), c.ID, approval(cleo))
	wantRefusal(t, err, `"none"`, "not now")
	if got, err := not.Decide(t.Context(), c.ID, denial(cleo, "indeed")); err != nil || got.State != confirm.Denied {
		t.Errorf("a denial gave %s, %v", got.State, err)
	}
	s.waitFor(t, c.ID, confirm.Denied, 0)
}

func TestALessStrictPolicyDoesNotLowerTheNumber(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{
		Approvers: []string{string(bob), string(cleo)}, Rules: compileRules(t, askRule("two", "count > 0", 2)),
	})
	c := s.proposePlan(t, deleteMany(1), onSlack(ada))
	lax := s.withPolicy(func(p *confirm.Policy) { p.Rules = nil })
	if got, err := lax.Decide(t.Context(), c.ID, approval(bob)); err != nil || got.State != confirm.Pending {
		t.Errorf("one approval gave %s, %v", got.State, err)
	}
}

func TestAStricterPolicyCountsAtTheClaim(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule     rule.Source
		contains string
	}{
		"more people":    {askRule("two", "count > 0", 2), `"two" asks for 2 people`},
		"refused":        {refuseRule("none", "count > 0", "not now"), "not now"},
		"no answer":      {askRule("the sixth", `scans[5] == "x"`, 1), "cannot be evaluated"},
		"(still enough)": {askRule("one", "count > 0", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
			c := s.proposePlan(t, deleteMany(1), onSlack(ada))
			s.moveSealed(t, c, approvedMove(bob)) // and then the process died
			s.Gate = s.withPolicy(func(p *confirm.Policy) { p.Rules = compileRules(t, tt.rule) })
			s.advance(10 * time.Second)
			s.startRecovery(t)
			if tt.contains == "" {
				s.waitFor(t, c.ID, confirm.Applied, 1)
				return
			}
			if got := s.waitFor(t, c.ID, confirm.Failed, 0); !strings.Contains(got.Outcome.Reason, tt.contains) {
				t.Errorf("the reason is %q, want it to contain %q", got.Outcome.Reason, tt.contains)
			}
		})
	}
}

// A rule sees the requester and the source at the time of the proposal.
func TestARuleSeesTheRequester(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{
		Approvers: []string{string(bob)},
		Rules: compileRules(t,
			refuseRule("not by agents", "agent", "agents may not delete"),
			refuseRule("not by Slack", `via == "Slack"`, "not from there"),
			refuseRule("not Ada", `requester.startsWith("token:ada")`, "not she")),
	})
	for want, by := range map[string]confirm.Requester{
		"agents may not delete": {Principal: cleo, Agent: true, Channels: []confirm.Channel{confirm.Slack}},
		"not from there":        {Principal: cleo, Source: "Slack", Channels: []confirm.Channel{confirm.Slack}},
		"not she":               onSlack(ada),
	} {
		_, err := s.Propose(t.Context(), deleteMany(1), by)
		wantRefusal(t, err, want)
	}
	s.proposePlan(t, deleteMany(1), onSlack(cleo))
}
