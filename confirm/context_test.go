package confirm_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/rule"
)

const grace = confirm.Principal("entra:tenant/grace")

// contextRule returns a rule that requires an authentication context for every change.
func contextRule(id string) rule.Source {
	return rule.Source{Name: "strong sign-in", When: "count > 0", AuthContext: id}
}

func changePage(id string) string { return "https://scans.example/changes/" + id }

// contextPolicy returns a policy with the rule that Grace, and Bob in Slack, are subject to.
func contextPolicy(t *testing.T, rules ...rule.Source) confirm.Policy {
	t.Helper()
	return confirm.Policy{Approvers: []string{string(grace), string(bob)}, Rules: compileRules(t, rules...)}
}

// newContextStack returns a stack with a page on which people sign in to Microsoft.
func newContextStack(t *testing.T, policy confirm.Policy) *stack {
	t.Helper()
	s := newStack(t, policy)
	s.cfg.ContextPage = changePage
	s.Gate = confirm.New(s.cfg)
	return s
}

// onPage returns Grace's approval on the page with these contexts, each signed in to so long ago.
func (s *stack) onPage(ago time.Duration, ids ...string) confirm.Vote {
	v := confirm.Vote{Principal: grace, Approve: true, Channel: confirm.WebPage}
	for _, id := range ids {
		v.Contexts = append(v.Contexts, confirm.AuthContext{ID: id, At: s.clock().Add(-ago)})
	}
	return v
}

// An approval counts only on the page, with each context that the rules require, and soon after the sign-in.
func TestAnApprovalNeedsTheContextOfTheRule(t *testing.T) {
	t.Parallel()
	s := newContextStack(t, contextPolicy(t, contextRule("c1"), rule.Source{Name: "too", When: "true", AuthContext: "c2"}))
	c := s.proposePlan(t, deleteMany(1), onSlack(ada))
	if !slices.Equal(c.Channels, []confirm.Channel{confirm.WebPage, confirm.Slack}) || !strings.Contains(strings.Join(c.Warnings, "\n"), `"strong sign-in" asks for a Microsoft sign-in with the authentication context c1`) {
		t.Errorf("it is put to people on %q with the warnings %q", c.Channels, c.Warnings)
	}
	elsewhere := s.onPage(0, "c1", "c2")
	elsewhere.Channel = confirm.Slack
	for name, v := range map[string]confirm.Vote{
		"in Slack":              approval(bob),
		"a claim from Slack":    elsewhere,
		"an ordinary sign-in":   s.onPage(0),
		"another context":       s.onPage(0, "c3", "c2"),
		"one of the two":        s.onPage(0, "c1"),
		"too long ago":          s.onPage(16*time.Minute, "c1", "c2"),
		"ahead of time":         s.onPage(-2*time.Minute, "c1", "c2"),
		"what Entra cannot say": s.onPage(0, "c01", "C1", "c100", "c0"),
	} {
		for _, refused := range []error{s.CanDecide(t.Context(), c, v), errorOf(s.Decide(t.Context(), c.ID, v))} {
			wantRefusal(t, refused, "authentication context c", "sign in again")
			var missing *confirm.ContextError
			if !errors.As(refused, &missing) || !strings.Contains(missing.TextForPeople(), changePage(c.ID)) || strings.Contains(refused.Error(), "://") {
				t.Errorf("%s: people are told %q and others %q", name, missing.TextForPeople(), refused)
			}
		}
	}
	if _, err := s.Decide(t.Context(), c.ID, s.onPage(14*time.Minute, "c1", "c2")); err != nil {
		t.Fatal(err)
	}
	got := s.waitFor(t, c.ID, confirm.Applied, 1).Decisions[0].Contexts
	if len(got) != 2 || got[0].ID != "c1" || !got[0].At.Equal(s.clock().Add(-14*time.Minute)) {
		t.Errorf("the decision records %v", got)
	}
}

// A denial needs no context, and counts in Slack too.
func TestADenialNeedsNoContext(t *testing.T) {
	t.Parallel()
	s := newContextStack(t, contextPolicy(t, contextRule("c1")))
	for _, v := range []confirm.Vote{denial(bob, "no"), {Principal: grace, Channel: confirm.WebPage}} {
		c := s.proposePlan(t, deleteMany(1), onSlack(ada))
		if got, err := s.Decide(t.Context(), c.ID, v); err != nil || got.State != confirm.Denied {
			t.Errorf("on %s it gave %s, %v", v.Channel, got.State, err)
		}
	}
}

// A change that nobody could confirm is not kept: there is no page with a Microsoft sign-in, or no approver can sign in.
func TestAContextThatNobodyCanHaveIsRefused(t *testing.T) {
	t.Parallel()
	without := newStack(t, contextPolicy(t, contextRule("c1")))
	_, err := without.Propose(t.Context(), deleteMany(1), onSlack(ada))
	wantRefusal(t, err, "no page", "SCANWARDEN_PUBLIC_URL")
	_, err = without.Propose(t.Context(), deleteMany(1), onOwnStdio(local))
	wantRefusal(t, err, "no page", "SCANWARDEN_PUBLIC_URL")
	strangers := newContextStack(t, confirm.Policy{Approvers: []string{string(bob), "slack-group:S1"}, Rules: compileRules(t, contextRule("c1"))})
	_, err = strangers.Propose(t.Context(), deleteMany(1), onSlack(ada))
	wantRefusal(t, err, "can sign in to Microsoft", "entra-role:NAME")
}

// The rule of the moment counts at the vote: a change that was proposed before it has to be asked for again.
func TestAContextRuleThatCameAfterTheProposal(t *testing.T) {
	t.Parallel()
	s := newContextStack(t, contextPolicy(t))
	c := s.proposePlan(t, deleteMany(1), onSlack(ada))
	s.Gate = s.withPolicy(func(p *confirm.Policy) { p.Rules = compileRules(t, contextRule("c1")) })
	_, err := s.Decide(t.Context(), c.ID, approval(bob))
	wantRefusal(t, err, "not put to people on the page; ask for it again")
}

// The rules of the moment count at the claim, against what the decision records.
func TestAContextRuleThatIsAlteredBetweenVoteAndClaim(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		with []string // contexts of the vote
		then []rule.Source
		runs int64
	}{
		"the same":            {[]string{"c1"}, []rule.Source{contextRule("c1")}, 1},
		"loosened":            {[]string{"c1"}, nil, 1},
		"another context":     {[]string{"c1"}, []rule.Source{contextRule("c2")}, 0},
		"tightened":           {nil, []rule.Source{contextRule("c1")}, 0},
		"as if it was known":  {[]string{"c1", "c2"}, []rule.Source{contextRule("c2")}, 1},
		"a second one beside": {[]string{"c1"}, []rule.Source{contextRule("c1"), {Name: "too", When: "true", AuthContext: "c2"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newContextStack(t, contextPolicy(t, contextRule("c1")))
			c := s.proposePlan(t, deleteMany(1), onSlack(ada))
			s.moveSealed(t, c, s.approvedWith(tt.with...)) // and then the process died
			s.Gate = s.withPolicy(func(p *confirm.Policy) { p.Rules = compileRules(t, tt.then...) })
			s.advance(10 * time.Second)
			s.startRecovery(t)
			if tt.runs == 1 {
				s.waitFor(t, c.ID, confirm.Applied, 1)
				return
			}
			if got := s.waitFor(t, c.ID, confirm.Failed, 0); !strings.Contains(got.Outcome.Reason, "asks for a Microsoft sign-in") {
				t.Errorf("the reason is %q", got.Outcome.Reason)
			}
		})
	}
}

// approvedWith returns the move of Grace's approval on the page with these contexts.
func (s *stack) approvedWith(ids ...string) confirm.Move {
	m := approvedMove(grace)
	m.Decision.Channel, m.Decision.Contexts = confirm.WebPage, s.onPage(time.Minute, ids...).Contexts
	return m
}

// A context that is written into the database, altered or taken out there is found, and the change is never sent.
func TestAnAlteredContextIsRefused(t *testing.T) {
	for name, attack := range map[string]struct {
		with     []string
		from, to string
	}{
		"added":   {nil, `"mac"`, `"contexts":[{"id":"c1","at":"2026-11-21T08:59:00Z"}],"mac"`},
		"altered": {[]string{"c2"}, `"id":"c2"`, `"id":"c1"`},
		"renewed": {[]string{"c1"}, `"at":"2026-11-21T08:59:00Z"`, `"at":"2026-11-21T09:00:00Z"`},
		"removed": {[]string{"c2", "c1"}, `{"id":"c2","at":"2026-11-21T08:59:00Z"},`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			forEachLedger(t, contextPolicy(t, contextRule("c1")), func(t *testing.T, h *hostile) {
				h.cfg.ContextPage = changePage
				h.Gate = confirm.New(h.cfg)
				c := h.proposePlan(t, deleteMany(1), onSlack(ada))
				h.moveSealed(t, c, h.approvedWith(attack.with...))
				h.write(t, `UPDATE decision SET decision = replace(decision, $1, $2) WHERE change_id = $3`, attack.from, attack.to, c.ID)
				h.recoverOnce(t)
				h.wantReported(t, confirm.KindDecision)
			})
		})
	}
}
