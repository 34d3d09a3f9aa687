package confirm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/rule"
)

// rules compiles what a policy file would hold.
func rules(t testing.TB, sources ...rule.Source) []confirm.Rule {
	t.Helper()
	made, err := rule.Compile(sources)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func asks(name, when string, people int) rule.Source {
	return rule.Source{Name: name, When: when, Approvals: people}
}

func refuses(name, when, why string) rule.Source {
	return rule.Source{Name: name, When: when, Refuse: why}
}

// deleteMany is deleteTwo with facts.
func deleteMany(count int) confirm.Proposal {
	p := deleteTwo()
	p.Facts = confirm.Facts{Scans: []string{"Core switches"}, Count: count, Addresses: 256}
	return p
}

func (h *house) proposes(t testing.TB, p confirm.Proposal, by confirm.Requester) confirm.Change {
	t.Helper()
	c, err := h.Propose(t.Context(), p, by)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refusal checks that err is a refusal which says each of these.
func refusal(t *testing.T, err error, says ...string) {
	t.Helper()
	if !errors.Is(err, confirm.ErrRefused) {
		t.Fatalf("got %v, want a refusal", err)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the refusal %q does not say %q", err, s)
		}
	}
}

// under is the house's gate with another policy, as if the configuration had been altered.
func (h *house) under(alter func(*confirm.Policy)) *confirm.Gate {
	cfg := h.cfg
	alter(&cfg.Policy)
	return confirm.New(cfg)
}

func TestARuleAsksForMorePeople(t *testing.T) {
	h := newHouse(t, confirm.Policy{
		Approvers: []string{string(bob), string(cleo)},
		Rules:     rules(t, asks("many deletes", `operation == "delete_scans" && count > 3`, 2)),
	})
	few := h.proposes(t, deleteMany(3), elsewhere(ada))
	if few.Needed != 1 || len(few.Warnings) != 1 {
		t.Errorf("where no rule holds it needs %d, with the warnings %q", few.Needed, few.Warnings)
	}
	many := h.proposes(t, deleteMany(4), elsewhere("token:dora"))
	if last := many.Warnings[len(many.Warnings)-1]; many.Needed != 2 || last != `policy: the rule "many deletes" asks for 2 people` {
		t.Errorf("where one holds it needs %d, with the warning %q", many.Needed, last)
	}
	if c, err := h.Decide(t.Context(), many.ID, yes(bob)); err != nil || c.State != confirm.Pending {
		t.Fatalf("after one yes: %s, %v", c.State, err)
	}
	if _, err := h.Decide(t.Context(), many.ID, yes(cleo)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, many.ID, confirm.Applied, 1)
}

func TestTheLargestNumberCounts(t *testing.T) {
	approvers := []string{string(bob), string(cleo), "token:dora", "token:eve"}
	for name, tt := range map[string]struct {
		required int
		rules    []rule.Source
		needed   int
		told     string // "" where no rule decided
	}{
		"the operation's":        {3, []rule.Source{asks("a", "count > 0", 2)}, 3, ""},
		"as many as it anyway":   {2, []rule.Source{asks("a", "count > 0", 2)}, 2, ""},
		"the second rule's":      {1, []rule.Source{asks("a", "count > 0", 2), asks("b", "addresses > 9", 4)}, 4, `"b" asks for 4 people`},
		"the first of two alike": {1, []rule.Source{asks("a", "count > 0", 3), asks("b", "count > 0", 3)}, 3, `"a" asks for 3 people`},
		"of those that hold":     {1, []rule.Source{asks("a", "count > 0", 2), asks("b", "count > 99", 4)}, 2, `"a" asks for 2 people`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, confirm.Policy{
				Approvers: approvers, Required: map[string]int{"delete_scans": tt.required}, Rules: rules(t, tt.rules...),
			})
			c := h.proposes(t, deleteMany(1), elsewhere(ada))
			told := strings.Join(c.Warnings[1:], "\n")
			if c.Needed != tt.needed || !strings.Contains(told, tt.told) || (tt.told == "") != (told == "") {
				t.Errorf("it needs %d and people are told %q, want %d and %q", c.Needed, told, tt.needed, tt.told)
			}
		})
	}
}

func TestWhatARuleRefusesIsNeverKept(t *testing.T) {
	for name, tt := range map[string]struct {
		rule rule.Source
		plan confirm.Proposal
		says []string
	}{
		"it refuses": {
			refuses("no big ones", "addresses > 100", "nobody scans so many at once"), deleteMany(1),
			[]string{`"no big ones"`, "nobody scans so many at once", "have an operator"},
		},
		"it refuses with a whole sentence": {
			refuses("no big ones", "addresses > 100", "Nobody scans so many at once. "), deleteMany(1), []string{"at once; ask for another change"},
		},
		"it cannot be evaluated": {
			asks("the sixth", `scans[5] == "x"`, 1), deleteMany(1), []string{`"the sixth"`, "cannot be evaluated", "have an operator"},
		},
		"there are no facts": {
			asks("few", "count > 3", 1), deleteTwo(), []string{`"few"`, "cannot be evaluated", "an earlier version"},
		},
		"more people than there are": {
			asks("three", "count > 0", 3), deleteMany(1), []string{`"three" asks for 3 people`, "only 2 listed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}, Rules: rules(t, tt.rule)})
			if err := h.CanPropose(t.Context(), tt.plan.Operation, elsewhere(ada)); err != nil {
				t.Errorf("before there is a plan: %v", err)
			}
			_, err := h.Propose(t.Context(), tt.plan, elsewhere(ada))
			refusal(t, err, tt.says...)
			if kept, err := h.ledger.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
				t.Errorf("it was kept: %v %v", kept, err)
			}
		})
	}
}

func TestARuleWithoutAConditionRefuses(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, Rules: []confirm.Rule{{Name: "empty", Approvals: 1}}})
	_, err := h.Propose(t.Context(), deleteMany(1), elsewhere(ada))
	refusal(t, err, `"empty"`)
}

func TestARuleCannotBeMetByOneClient(t *testing.T) {
	h := newHouse(t, confirm.Policy{Rules: rules(t, asks("two", "count > 0", 2))})
	_, err := h.Propose(t.Context(), deleteMany(1), ownClient(local))
	refusal(t, err, `"two" asks for 2 people`, "another channel")
}

// A rule never makes somebody an approver.
func TestNobodyListedMeansNobodyMayApproveWhateverTheRules(t *testing.T) {
	for _, r := range [][]rule.Source{nil, {asks("one", "count > 0", 1)}, {asks("never", "count > 99", 1)}} {
		h := newHouse(t, confirm.Policy{Rules: rules(t, r...), SelfApproval: true})
		_, err := h.Propose(t.Context(), deleteMany(1), elsewhere(ada))
		refusal(t, err, "only 0 listed")
		listed := h.under(func(p *confirm.Policy) { p.Approvers = []string{string(bob)} })
		c, err := listed.Propose(t.Context(), deleteMany(1), elsewhere(ada))
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Decide(t.Context(), c.ID, yes(bob))
		refusal(t, err, "nobody is allowed")
		if v := h.cfg.Policy.Explain(c); len(v.Approvers) != 0 || v.Refused == "" {
			t.Errorf("the explanation is %+v", v)
		}
	}
}

func TestAStricterPolicyCountsAtTheVote(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
	more := h.under(func(p *confirm.Policy) { p.Rules = rules(t, asks("two", "count > 0", 2)) })
	not := h.under(func(p *confirm.Policy) { p.Rules = rules(t, refuses("none", "count > 0", "not now")) })

	c := h.proposes(t, deleteMany(1), elsewhere(ada))
	if got, err := more.Decide(t.Context(), c.ID, yes(bob)); err != nil || got.State != confirm.Pending {
		t.Errorf("where a rule asks for two by now, one yes gave %s, %v", got.State, err)
	}
	_, err := not.Decide(t.Context(), c.ID, yes(cleo))
	refusal(t, err, `"none"`, "not now")
	if got, err := not.Decide(t.Context(), c.ID, no(cleo, "indeed")); err != nil || got.State != confirm.Denied {
		t.Errorf("a no gave %s, %v", got.State, err)
	}
	h.ends(t, c.ID, confirm.Denied, 0)
}

func TestALaxerPolicyDoesNotLowerTheNumber(t *testing.T) {
	h := newHouse(t, confirm.Policy{
		Approvers: []string{string(bob), string(cleo)}, Rules: rules(t, asks("two", "count > 0", 2)),
	})
	c := h.proposes(t, deleteMany(1), elsewhere(ada))
	lax := h.under(func(p *confirm.Policy) { p.Rules = nil })
	if got, err := lax.Decide(t.Context(), c.ID, yes(bob)); err != nil || got.State != confirm.Pending {
		t.Errorf("one yes gave %s, %v", got.State, err)
	}
}

func TestAStricterPolicyCountsAtTheClaim(t *testing.T) {
	for name, tt := range map[string]struct {
		rule rule.Source
		says string
	}{
		"more people":    {asks("two", "count > 0", 2), `"two" asks for 2 people`},
		"refused":        {refuses("none", "count > 0", "not now"), "not now"},
		"no answer":      {asks("the sixth", `scans[5] == "x"`, 1), "cannot be evaluated"},
		"(still enough)": {asks("one", "count > 0", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
			c := h.proposes(t, deleteMany(1), elsewhere(ada))
			m := approvedBy(bob)
			m.At = h.clock()
			if _, err := h.ledger.Move(t.Context(), c, m); err != nil { // and then that process died
				t.Fatal(err)
			}
			h.Gate = h.under(func(p *confirm.Policy) { p.Rules = rules(t, tt.rule) })
			h.advance(10 * time.Second)
			h.recovers(t)
			if tt.says == "" {
				h.ends(t, c.ID, confirm.Applied, 1)
				return
			}
			if got := h.ends(t, c.ID, confirm.Failed, 0); !strings.Contains(got.Outcome.Reason, tt.says) {
				t.Errorf("the reason is %q, want it to say %q", got.Outcome.Reason, tt.says)
			}
		})
	}
}

// A rule judges who asked, and how, as it was when they asked.
func TestARuleSeesWhoAsks(t *testing.T) {
	h := newHouse(t, confirm.Policy{
		Approvers: []string{string(bob)},
		Rules: rules(t,
			refuses("not by agents", "agent", "agents may not delete"),
			refuses("not by Slack", `via == "Slack"`, "not from there"),
			refuses("not Ada", `requester.startsWith("token:ada")`, "not she")),
	})
	for says, by := range map[string]confirm.Requester{
		"agents may not delete": {Principal: cleo, Agent: true, Channels: []confirm.Channel{confirm.Slack}},
		"not from there":        {Principal: cleo, Source: "Slack", Channels: []confirm.Channel{confirm.Slack}},
		"not she":               elsewhere(ada),
	} {
		_, err := h.Propose(t.Context(), deleteMany(1), by)
		refusal(t, err, says)
	}
	h.proposes(t, deleteMany(1), elsewhere(cleo))
}
