package slackbot_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
)

// withEmailMatch returns p with people who are matched by e-mail. Only Ada is an approver.
func withEmailMatch(p options) options {
	p.policy = func(p *confirm.Policy) {
		p.Approvers = []string{string(entraAda)}
		p.People = []confirm.Person{
			{Name: "Ada", Email: "ada@example.com", Principals: []confirm.Principal{entraAda}},
			{Name: "Eve", Email: "eve@example.com", Principals: []confirm.Principal{slackOf(eve), entraEve}},
			{Name: "Grace", Email: "twice@example.com", Principals: []confirm.Principal{"entra:" + tenantID + "/33334444-dddd-5555-eeee-6666ffff7777"}},
			{Name: "Hopper", Email: "Twice@example.com", Principals: []confirm.Principal{"entra:" + tenantID + "/44445555-eeee-6666-ffff-777788889999"}},
			{Name: "Ann", Email: "nowhere@example.com", Principals: []confirm.Principal{"token:ann"}},
			{Name: "Barbara", Principals: []confirm.Principal{"entra:" + tenantID + "/55556666-ffff-7777-0000-88889999aaaa"}},
		}
	}
	p.bot = func(c *slackbot.Config) { c.MatchEmail = true }
	return p
}

func TestAMatchingAddressLinksBeforeAVote(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, withEmailMatch(p))
		s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "Ada@Example.COM"})
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "applied", "Approved by")
		if links, err := s.Store.Links(t.Context()); err != nil || len(links) != 1 || links[0].How != "e-mail" || links[0].Name != "Ada" || links[0].To != entraAda {
			t.Errorf("links are %+v, %v", links, err)
		}
	})
}

func TestAMatchingAddressLinksBeforeAProposal(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEmailMatch(options{}))
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
	if answer := s.replyTo(t, ada, "/add_scan", s.newScan("Core switches")); !containsAll(answer, "Not done", "0 of the listed approvers may") {
		t.Errorf("the only approver proposed, and may not approve their own change: %s", answer)
	}
	s.wantLinked(t, entraAda, slackOf(ada))
	s.wantWrites(t, 0)
}

func TestAnAddressThatDoesNotMatchExactlyOnePersonLinksNone(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]slacktest.User{
		"unconfirmed": {Email: "ada@example.com", Unconfirmed: true},
		"none":        {},
		"unknown":     {Email: "unknown@example.com"},
		"two people":  {Email: "twice@example.com"},
		"no Entra":    {Email: "nowhere@example.com"},
		"blank":       {Email: " ada@example.com"},
		"Kelvin sign": {Email: "twice@example.com\u212a"},
		"dotless":     {Email: "ada@examp\u0131e.com"},
		"tag":         {Email: "ada+x@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, withEmailMatch(options{}))
			user.ID, user.Name = mallory, "mallory"
			s.slack.AddUser(user)
			q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			mustAck(t, s.slack.Click(mallory, q, "approve_change"))
			s.waitReply(t, mallory, "not among the approvers")
			s.wantLinked(t, slackOf(mallory))
			s.wantWrites(t, 0)
		})
	}
}

// A letter that Unicode folds into an ASCII one makes a different address.
func TestLettersOfOtherScriptsAreOtherLetters(t *testing.T) {
	t.Parallel()
	p := withEmailMatch(options{})
	whole := p.policy
	p.policy = func(p *confirm.Policy) {
		whole(p)
		p.People[0].Email = "ask@example.com"
	}
	s := newStack(t, p)
	s.slack.AddUser(slacktest.User{ID: mallory, Name: "mallory", Email: "as\u212a@example.com"})
	s.replyTo(t, mallory, "/scans", "changes")
	s.wantLinked(t, slackOf(mallory))
}

func TestAChangedAddressRemovesItsLink(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEmailMatch(options{}))
	s.slack.AddUser(slacktest.User{ID: mallory, Name: "mallory", Email: "ada@example.com"})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	s.replyTo(t, mallory, "/scans", "changes")
	s.wantLinked(t, entraAda, slackOf(mallory))
	s.slack.AddUser(slacktest.User{ID: mallory, Name: "mallory", Email: "mallory@example.com"})
	s.Advance(61 * time.Second) // users are cached for a minute
	mustAck(t, s.slack.Click(mallory, q, "approve_change"))
	s.waitReply(t, mallory, "not among the approvers")
	s.wantLinked(t, slackOf(mallory))
	s.wantWrites(t, 0)
}

// Between the two links there must be no moment without one, in which the user could confirm their own change.
func TestAnAddressThatNowMatchesAnotherPersonIsRelinkedAtOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEmailMatch(options{}))
	if err := s.Gate.Link(t.Context(), confirm.Link{From: slackOf(ada), To: "entra:T/OLD", How: "e-mail"}); err != nil {
		t.Fatal(err)
	}
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
	s.replyTo(t, ada, "/scans", "changes")
	s.wantLinked(t, entraAda, slackOf(ada))
}

func TestTheAddressOfAPersonWithAnotherSlackAccountLinksNone(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEmailMatch(options{}))
	s.slack.AddUser(slacktest.User{ID: mallory, Name: "mallory", Email: "eve@example.com"})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(mallory, q, "approve_change"))
	s.waitReply(t, mallory, "cannot determine who you are")
	s.wantLinked(t, slackOf(mallory))
	s.wantWrites(t, 0)
}

// A user whose links contradict the address would be two persons, and could confirm
// their own change.
func TestAUserWhoseLinksContradictTheAddressIsRefused(t *testing.T) {
	t.Parallel()
	elsewhere := confirm.Principal("entra:" + tenantID + "/66667777-0000-8888-1111-9999aaaabbbb")
	for name, link := range map[string]confirm.Link{
		"to a second account of theirs":         {From: slackOf(ada), To: elsewhere, How: "sign-in"},
		"of an accomplice, to the one it names": {From: slackOf(mallory), To: entraAda, How: "sign-in"},
	} {
		t.Run(name, func(t *testing.T) {
			p := withEmailMatch(options{})
			whole := p.policy
			p.policy = func(p *confirm.Policy) {
				whole(p)
				p.Approvers = append(p.Approvers, string(slackOf(ada)))
			}
			s := newStack(t, p)
			if err := s.Gate.Link(t.Context(), link); err != nil {
				t.Fatal(err)
			}
			s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
			q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			mustAck(t, s.slack.Click(ada, q, "approve_change"))
			s.waitReply(t, ada, "cannot determine who you are", "scanwarden people")
			s.wantWrites(t, 0)
		})
	}
}

func TestAnAddressDoesNotRemoveALinkMadeBySignIn(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEmailMatch(options{}))
	if err := s.Gate.Link(t.Context(), confirm.Link{From: slackOf(ada), To: entraAda, How: "sign-in"}); err != nil {
		t.Fatal(err)
	}
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "another@example.com"})
	s.replyTo(t, ada, "/scans", "changes")
	s.wantLinked(t, entraAda, slackOf(ada))
}

func TestAddressesCountOnlyWhereThatIsSwitchedOn(t *testing.T) {
	t.Parallel()
	p := withEmailMatch(options{})
	p.bot = nil
	s := newStack(t, p)
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
	s.replyTo(t, ada, "/scans", "changes")
	s.wantLinked(t, slackOf(ada))
	for on, want := range map[bool]string{true: "commands chat:write im:write users:read users:read.email", false: "commands chat:write im:write users:read"} {
		s.cfg.MatchEmail = on
		if m := manifestOf(t, s.cfg); strings.Contains(m, "users:read.email") != on {
			t.Errorf("switched on %v, the manifest should ask for %s: %s", on, want, m)
		}
	}
}

func TestAddressesAreNotReadWithoutTheScope(t *testing.T) {
	t.Parallel()
	p := withEmailMatch(options{})
	p.slack = func(o *slacktest.Options) { o.Scopes = []string{"commands", "chat:write", "im:write", "users:read"} }
	s := newStack(t, p)
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
	s.replyTo(t, ada, "/scans", "changes")
	s.wantLinked(t, slackOf(ada))
}

func TestAUserIsRefusedWhenLinksCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*slackbot.Backend){
		"unknown": func(b *slackbot.Backend) {
			b.Links = func(context.Context) ([]confirm.Link, error) { return nil, errors.New("the ledger is gone") }
		},
		"unset": func(b *slackbot.Backend) { b.Links = nil },
	} {
		p := withEmailMatch(options{})
		p.bot = func(c *slackbot.Config) {
			c.MatchEmail = true
			whole := c.Backend
			c.Backend = func(ctx context.Context) (*slackbot.Backend, error) {
				back, err := whole(ctx)
				if err == nil {
					broken(back)
				}
				return back, err
			}
		}
		s := newStack(t, p)
		s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
		if answer := s.replyTo(t, ada, "/add_scan", s.newScan("Core switches")); !containsAll(answer, "Not done", "which accounts are yours") || containsAll(answer, "the ledger is gone") {
			t.Errorf("%s: answered %s", name, answer)
		}
		s.wantOpen(t, ada, 0)
	}
}
