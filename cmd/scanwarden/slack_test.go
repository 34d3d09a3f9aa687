package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/slackbot/slacktest"
)

// newSlack returns a fake Slack that never answers late: it waits ten times as long as Slack does, and its clock stands still,
// so that no trigger expires on a busy machine.
func newSlack(t testing.TB, o slacktest.Options) *slacktest.Server {
	t.Helper()
	now := time.Now()
	o.AckWithin, o.Now = 30*time.Second, func() time.Time { return now }
	return slacktest.New(t, o)
}

// TestSlackDecidesForAnMCPClient: the real binary, a foreign MCP client that cannot show a prompt, and an approver in
// Slack, over both of Slack's transports.
func TestSlackDecidesForAnMCPClient(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"sockets", "signed HTTP"} {
		t.Run(transport, func(t *testing.T) {
			s := newStack(t)
			options := slacktest.Options{SigningSecret: "signing-secret-of-the-test", BotToken: "xoxb-test", Team: "T01TEST"}
			if transport == "sockets" {
				options.AppToken = "xapp-test"
			}
			slack := newSlack(t, options)
			slack.AddUser(slacktest.User{ID: "U0ADA", Name: "ada", Team: "T01TEST"})
			slack.AddChannel("C0SCANS", "U0ADA")
			s.env = append(s.env, "SLACK_API_URL="+slack.API(), "SLACK_BOT_TOKEN=xoxb-test", "SCANWARDEN_SLACK_CHANNEL=C0SCANS",
				"SCANWARDEN_APPROVERS=slack:T01TEST/U0ADA")
			if transport == "sockets" {
				s.env = append(s.env, "SLACK_APP_TOKEN=xapp-test")
			} else {
				s.env = append(s.env, "SLACK_SIGNING_SECRET=signing-secret-of-the-test")
			}
			server := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken)
			if transport == "sockets" {
				slack.WaitSockets(1)
			} else {
				base := strings.TrimSuffix(server.url, "/mcp")
				slack.SetURLs(base+"/slack/command", base+"/slack/interaction", base+"/slack/interaction")
			}
			client := connectClient(t, &mcp.StreamableClientTransport{
				Endpoint: server.url, HTTPClient: &http.Client{Transport: bearerTransport{}}, DisableStandaloneSSE: true,
			}, "modern", nil)
			answered := make(chan toolResult, 1)
			go func() {
				r, err := tryCallTool(t.Context(), client, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}})
				if err != nil {
					t.Error(err)
				}
				answered <- r
			}()
			question := slack.WaitMessage("C0SCANS", func(m slacktest.Message) bool { return len(m.Buttons()) > 0 })
			if !strings.Contains(question.All(), "Branch routers") || !strings.Contains(question.All(), "Code: ") {
				t.Errorf("the question is %s", question.All())
			}
			if ack := slack.Click("U0ADA", question, "approve_change"); ack.Err != nil {
				t.Fatal(ack.Err)
			}
			if r := <-answered; r.Status != "applied" || !strings.Contains(r.DecidedBy, "slack:T01TEST/U0ADA") {
				t.Errorf("the assistant is told %+v", r)
			}
			if writes := s.tenant.Writes(); len(writes) != 1 {
				t.Errorf("Defender took %d writes", len(writes))
			}
			slack.WaitMessage("C0SCANS", func(m slacktest.Message) bool {
				return m.TS == question.TS && len(m.Buttons()) == 0 && strings.Contains(m.All(), "U0ADA")
			})
		})
	}
}

// TestAnApproverWhoLeftSlackDoesNotCount: of two approvers, the first is deactivated in Slack before the second clicks.
func TestAnApproverWhoLeftSlackDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	slack := newSlack(t, slacktest.Options{BotToken: "xoxb-test", AppToken: "xapp-test", Team: "T01TEST"})
	ada := slacktest.User{ID: "U0ADA", Name: "ada", Team: "T01TEST"}
	slack.AddUser(ada)
	slack.AddUser(slacktest.User{ID: "U0BOB", Name: "bob", Team: "T01TEST"})
	slack.AddChannel("C0SCANS", "U0ADA", "U0BOB")
	s.env = append(s.env, "SLACK_API_URL="+slack.API(), "SLACK_BOT_TOKEN=xoxb-test", "SLACK_APP_TOKEN=xapp-test",
		"SCANWARDEN_SLACK_CHANNEL=C0SCANS", "SCANWARDEN_APPROVERS=slack:T01TEST/U0ADA,slack:T01TEST/U0BOB",
		"SCANWARDEN_APPROVALS_REQUIRED=delete_scans=2")
	server := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken)
	slack.WaitSockets(1)
	client := connectClient(t, &mcp.StreamableClientTransport{
		Endpoint: server.url, HTTPClient: &http.Client{Transport: bearerTransport{}}, DisableStandaloneSSE: true,
	}, "modern", nil)
	answered := make(chan toolResult, 1)
	go func() {
		r, err := tryCallTool(t.Context(), client, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}})
		if err != nil {
			t.Error(err)
		}
		answered <- r
	}()
	question := slack.WaitMessage("C0SCANS", func(m slacktest.Message) bool { return len(m.Buttons()) > 0 })
	if ack := slack.Click("U0ADA", question, "approve_change"); ack.Err != nil {
		t.Fatal(ack.Err)
	}
	counted := slack.WaitMessage("C0SCANS", func(m slacktest.Message) bool {
		return m.TS == question.TS && len(m.Buttons()) > 0 && strings.Contains(m.All(), "U0ADA")
	})
	ada.Deleted = true
	slack.AddUser(ada)
	if ack := slack.Click("U0BOB", counted, "approve_change"); ack.Err != nil {
		t.Fatal(ack.Err)
	}
	if r := <-answered; r.Status != "failed" || !strings.Contains(r.Reason, "too few people") {
		t.Errorf("the assistant is told %+v", r)
	}
	if writes := s.tenant.Writes(); len(writes) != 0 {
		t.Errorf("Defender took %d writes", len(writes))
	}
}
