package slackbot_test

import (
	"fmt"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
)

// withEnterpriseGrid returns p with a workspace of an organization. Clicks then contain the organization's ID.
func withEnterpriseGrid(p options) options {
	p.slack = func(o *slacktest.Options) { o.Enterprise = "E0ORG" }
	return p
}

func TestOnEnterpriseGridAPersonHasOnePrincipal(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, withEnterpriseGrid(p))
		q := s.propose(t, ada, "/add_scan", s.newScan("Core switches"))
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitReply(t, ada, "may not confirm their own changes")
		mustAck(t, s.slack.OpenHome(ada))
		s.slack.WaitHome(ada, func(v slacktest.View) bool { return containsAll(v.All(), "Core switches", "Full plan") })
		mustAck(t, s.slack.Click(eve, q, "approve_change"))
		s.waitUpdate(t, q, "applied")
		if c := s.change(t, q); c.Requester != slackOf(ada) || c.Decisions[0].Principal != slackOf(eve) {
			t.Errorf("%s proposed, and %s decided", c.Requester, c.Decisions[0].Principal)
		}
	})
}

func TestOnEnterpriseGridFormsAndMenusUseTheSamePrincipal(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEnterpriseGrid(options{}))
	for i := range 101 { // more than a menu holds
		s.Tenant.AddScanner(fmt.Sprintf("branch-%03d.example.com", i), time.Now())
	}
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", ""))
	form := s.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
	s.Service.InvalidateCache() // so that Defender is read for the menu
	mustAck(t, s.slack.Suggest(bob, form, "scannerAgent.machineId", "scanner-1"))
	mustAck(t, s.slack.Submit(bob, form, map[string]any{
		"scanType": "Network", "scanName": "Printers", "target": "10.0.0.1", "intervalInHours": "4", "scannerAgent.machineId": s.Scanner,
		"scanAuthenticationParams.type": "NoAuthNoPriv", "scanAuthenticationParams.username": "scanner",
	}))
	s.slack.Wait("the confirmation message", func() bool { return len(s.confirmations()) == 1 })
	s.wantOpen(t, bob, 1)
	event := `{"type":"event_callback","team_id":"E0ORG","event_id":"Ev1","event":{"type":"app_home_opened","tab":"home","user":"` + bob + `"}}`
	mustAck(t, s.slack.SendRaw(slacktest.RawRequest{URL: s.urls[1], Body: event}))
	s.slack.WaitHome(bob, func(v slacktest.View) bool { return containsAll(v.All(), "Printers", "Full plan") })
	for _, caller := range s.Callers() {
		if caller != string(slackOf(bob)) {
			t.Errorf("Defender was read on behalf of %q", caller)
		}
	}
}

func TestOnEnterpriseGridResolveUserReturnsOnePrincipal(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEnterpriseGrid(withEmailMatch(options{})))
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
	for _, named := range []string{"E0ORG", team} {
		if who, _, err := s.bot.ResolveUser(t.Context(), named, ada); err != nil || who != slackOf(ada) {
			t.Errorf("ada of %s is %s, %v", named, who, err)
		}
	}
	s.wantLinked(t, entraAda, slackOf(ada))
	if who, _, err := s.bot.ResolveUser(t.Context(), "E0OTHER", ada); err == nil || who != "" {
		t.Errorf("ada of another organization is %s", who)
	}
}

func TestMembersOfARequesterGroupCanPropose(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{
		policy: func(p *confirm.Policy) { p.Requesters = []string{"slack-group:S0ASKS"} },
		bot:    func(c *slackbot.Config) { c.Requesters = []string{"slack-group:S0ASKS"} },
	})
	s.slack.AddGroup("S0ASKS", bob, mallory)
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	if answer := s.replyTo(t, eve, "/add_scan", s.newScan("Edge switches")); containsAll(answer, "It waits for the yes") {
		t.Errorf("a user outside the group may propose: %s", answer)
	}
	if _, groups, err := s.bot.ResolveUser(t.Context(), team, bob); err != nil || len(groups) != 1 || groups[0] != "slack-group:S0ASKS" {
		t.Errorf("bob has the groups %v, %v", groups, err)
	}
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "applied")
	mustAck(t, s.slack.OpenHome(mallory))
	home := s.slack.WaitHome(mallory, func(v slacktest.View) bool { return containsAll(v.All(), "Decided lately") })
	if !containsAll(home.All(), "Nothing was decided yet") {
		t.Errorf("who may only ask sees what others decided: %s", home.All())
	}
}

func TestAGroupThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{
		policy: func(p *confirm.Policy) { p.Approvers = []string{"slack-group:S0GONE", "slack-group:S0SCANS"} },
	})
	s.slack.AddGroup("S0SCANS", eve)
	if _, groups, err := s.bot.ResolveUser(t.Context(), team, eve); err != nil || len(groups) != 1 {
		t.Errorf("eve has the groups %v, %v", groups, err)
	}
}

func TestTheManifestAsksForGroupsOfEitherList(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]slackbot.Config{
		"approvers": {Approvers: []string{"slack-group:S0SCANS"}}, "requesters": {Requesters: []string{"slack-group:S0ASKS"}}, "neither": {Requesters: []string{"slack:T1/U1"}},
	} {
		out, err := slackbot.Manifest(cfg, "")
		if err != nil || containsAll(string(out), "usergroups:read") != (name != "neither") {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
}
