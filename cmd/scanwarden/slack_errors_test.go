package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/slackbot/slacktest"
)

// TestARefusedSlackAppDoesNotEndTheServer: Slack refuses the token. Reads go on, and a change that only Slack could confirm is
// refused with what to do.
func TestARefusedSlackAppDoesNotEndTheServer(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"auth.test", "apps.connections.open"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			slack := newSlack(t, slacktest.Options{BotToken: "xoxb-test", AppToken: "xapp-test", Team: "T01TEST"})
			slack.Fail(method, slacktest.Fault{Times: -1, Error: "invalid_auth"})
			s.env = append(s.env, "SLACK_API_URL="+slack.API(), "SLACK_BOT_TOKEN=xoxb-test", "SLACK_APP_TOKEN=xapp-test",
				"SCANWARDEN_SLACK_CHANNEL=C0SCANS", "SCANWARDEN_APPROVERS=slack:T01TEST/U0ADA")
			server := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken)
			waitFor(t, "the end of the Slack side in the log", func() bool {
				return strings.Contains(s.logs.String(), "Slack is no longer served") && strings.Contains(s.logs.String(), method)
			})
			client := connectClient(t, &mcp.StreamableClientTransport{
				Endpoint: server.url, HTTPClient: &http.Client{Transport: bearerTransport{}}, DisableStandaloneSSE: true,
			}, "modern", nil)
			r, err := tryCallTool(t.Context(), client, "list_scans", map[string]any{})
			if err != nil || r.Status == "refused" {
				t.Fatalf("a read answers %+v, %v", r, err)
			}
			r, err = tryCallTool(t.Context(), client, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}})
			if err != nil || r.Status != "refused" || !strings.Contains(r.Reason, "Slack cannot be used") || !strings.Contains(r.Reason, method) {
				t.Errorf("a change that only Slack could confirm is answered with %+v, %v", r, err)
			}
		})
	}
}
