package slackbot_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// The answers of Standing.
const (
	counts      = "counts"
	lost        = "does not count"
	unavailable = "unavailable"
)

// standing returns the answer of Standing about the approval of a user.
func (s *stack) standing(ctx context.Context, by confirm.Principal) string {
	switch err := s.bot.Standing(ctx, confirm.Decision{Principal: by, Approve: true, Channel: confirm.Slack}); {
	case err == nil:
		return counts
	case errors.Is(err, confirm.ErrUnavailable):
		return unavailable
	}
	return lost
}

func TestStandingAsksSlackAgain(t *testing.T) {
	t.Parallel()
	named := string(slackOf(ada))
	for name, c := range map[string]struct {
		alter func(*stack)
		ada   string // who is listed by name
		eve   string // who is in a group
	}{
		"unchanged":         {func(*stack) {}, counts, counts},
		"deactivated":       {func(s *stack) { s.setBoth(slacktest.User{Deleted: true}) }, lost, lost},
		"guests":            {func(s *stack) { s.setBoth(slacktest.User{Guest: true}) }, lost, lost},
		"strangers":         {func(s *stack) { s.setBoth(slacktest.User{Stranger: true}) }, lost, lost},
		"out of the group":  {func(s *stack) { s.slack.AddGroup("S0SCANS", bob) }, counts, lost},
		"in another group":  {func(s *stack) { s.slack.AddGroup("S0SCANS"); s.slack.AddGroup("S0MORE", eve) }, counts, counts},
		"users unavailable": {func(s *stack) { s.slack.Fail("users.info", slacktest.Fault{Times: -1, Status: 503}) }, unavailable, unavailable},
		"user unknown":      {func(s *stack) { s.slack.Fail("users.info", slacktest.Fault{Times: -1, Error: "user_not_found"}) }, lost, lost},
		"groups unavailable": {func(s *stack) {
			s.slack.Fail("usergroups.users.list", slacktest.Fault{Times: -1, Status: 429, RetryAfter: 1})
		}, counts, unavailable},
		"groups deleted": {func(s *stack) {
			s.slack.Fail("usergroups.users.list", slacktest.Fault{Times: -1, Error: "no_such_subteam"})
		}, counts, lost},
		"one group unavailable, one deleted": {func(s *stack) {
			s.slack.Fail("usergroups.users.list", slacktest.Fault{Error: "no_such_subteam"})
			s.slack.Fail("usergroups.users.list", slacktest.Fault{Status: 503})
		}, counts, unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, options{policy: func(p *confirm.Policy) {
				p.Approvers = []string{named, "slack-group:S0SCANS", "slack-group:S0MORE", "entra-role:Approver"}
			}})
			s.slack.AddGroup("S0SCANS", eve)
			s.slack.AddGroup("S0MORE")
			for _, user := range []string{ada, eve} { // caches them
				if got := s.standing(t.Context(), slackOf(user)); got != counts {
					t.Fatalf("before: %s %s", user, got)
				}
			}
			c.alter(s)
			if got := s.standing(t.Context(), slackOf(ada)); got != c.ada {
				t.Errorf("the user by name %s, want %s", got, c.ada)
			}
			if got := s.standing(t.Context(), slackOf(eve)); got != c.eve {
				t.Errorf("the user by group %s, want %s", got, c.eve)
			}
			if got := s.standing(t.Context(), slackOf(mallory)); got == counts {
				t.Error("a user who never was an approver counts")
			}
		})
	}
}

// setBoth replaces the accounts of both approvers.
func (s *stack) setBoth(u slacktest.User) {
	for _, id := range []string{ada, eve} {
		u.ID, u.Name = id, id
		s.slack.AddUser(u)
	}
}

func TestStandingAcceptsAccountsOutsideSlack(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	for _, by := range []confirm.Principal{"entra:T/O", "token:ada", "local:ada"} {
		if got := s.standing(t.Context(), by); got != counts {
			t.Errorf("%s %s", by, got)
		}
	}
	if n := len(s.slack.Calls()); n != 0 {
		t.Errorf("Slack was asked %d times", n)
	}
}

func TestStandingFollowsTheLinksOfTheUser(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) { p.Approvers = []string{string(entraAda)} }})
	if err := s.Gate.Link(t.Context(), confirm.Link{From: slackOf(ada), To: entraAda, Name: "Ada", How: "sign-in"}); err != nil {
		t.Fatal(err)
	}
	if got := s.standing(t.Context(), slackOf(ada)); got != counts {
		t.Errorf("the linked user %s", got)
	}
	if err := s.Gate.Unlink(t.Context(), slackOf(ada), "wrong"); err != nil {
		t.Fatal(err)
	}
	if got := s.standing(t.Context(), slackOf(ada)); got != lost {
		t.Errorf("the unlinked user %s", got)
	}
}

func TestStandingIsUnavailableWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	s.slack.Wait("the workspace to be read", func() bool { return s.calls("auth.test") > 0 })
	s.slack.Fail("users.info", slacktest.Fault{Times: -1, Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got := s.standing(ctx, slackOf(ada)); got != unavailable {
		t.Errorf("while Slack hangs: %s", got)
	}
	s.slack.ClearFaults()
}

func TestStandingOfAnAddressThatChanged(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEmailMatch(options{}))
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
	if got := s.standing(t.Context(), slackOf(ada)); got != counts {
		t.Errorf("with the address of an approver: %s", got)
	}
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "other@example.com"})
	if got := s.standing(t.Context(), slackOf(ada)); got != lost {
		t.Errorf("with another address: %s", got)
	}
}
