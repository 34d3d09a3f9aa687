package main

import (
	"strings"
	"testing"

	"scanwarden/defender/entra/entratest"
	"scanwarden/slackbot/slacktest"
)

// newOnBehalfOfStack returns a stack with Slack in which Defender is called on behalf of users, and Bob confirms in
// Slack. Slack reaches the server that was started last.
func newOnBehalfOfStack(t *testing.T) (*entraStack, *slacktest.Server) {
	t.Helper()
	s := newEntraStack(t, entratest.Defender)
	s.env = append(s.env, "SCANWARDEN_AUTH=on-behalf-of", "SCANWARDEN_APPROVERS=slack:T01TEST/U0BOB")
	return s, addSlack(t, s.stack, newProxied(t))
}

// TestSlackUsersWithoutEntraSignInAreRefused: a Slack user without a sign-in to call Defender with is refused before an
// approver is asked.
func TestSlackUsersWithoutEntraSignInAreRefused(t *testing.T) {
	t.Parallel()
	s, slack := newOnBehalfOfStack(t)
	slack.Command("U0ADA", "C0SCANS", "/delete_scans", `"Branch routers"`)
	told := slack.WaitEphemeral("U0ADA", nil)
	if !strings.Contains(told.All(), "has no Entra sign-in here") {
		t.Errorf("told %s", told.All())
	}
	if kept := s.changes(); len(kept) != 0 {
		t.Errorf("asked for %+v", kept)
	}
}

// TestAChangeIsLeftToTheReplicaWithTheSignIn: Ada calls one server, and Slack delivers Bob's approval to another, which
// never saw her. The first one still sends the change on her behalf.
func TestAChangeIsLeftToTheReplicaWithTheSignIn(t *testing.T) {
	t.Parallel() // the first mostly waits, for a server that could send it at once
	s, slack := newOnBehalfOfStack(t)
	s.url = s.serve(t).url
	answered := make(chan toolResult, 1)
	ask := s.deleteRequest(t, s.ada)
	go func() { answered <- ask() }()
	question := slack.WaitMessage("C0SCANS", func(m slacktest.Message) bool { return len(m.Buttons()) > 0 })
	slack.Click("U0BOB", question, "approve_change")
	if got := <-answered; got.Status != "applied" {
		t.Errorf("Ada is told %+v", got)
	}
	if got := s.writerNames(); len(got) != 1 || got[0] != s.ada.Username {
		t.Errorf("written in the names %q", got)
	}
	if logs := s.logs.String(); !strings.Contains(logs, "a confirmed change is left to another process") {
		t.Errorf("who does not hold her sign-in says nothing\n%s", logs)
	}
}
