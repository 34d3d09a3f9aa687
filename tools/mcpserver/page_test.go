package mcpserver_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/confirm"
)

// pageOrigin is where the pages of these tests would be. Nothing listens there.
const pageOrigin = "https://scanwarden.example.com/changes/"

// urlClient is the official SDK's client of ada, which can show an address and no form.
type urlClient struct {
	*mcp.ClientSession
	asked  chan *mcp.ElicitParams
	closed chan string // elicitations whose page is no longer needed
	waits  chan string // progress
}

// connectURLClient connects a client that gives the same answer to every address.
func connectURLClient(t *testing.T, s *stack, version, action string) *urlClient {
	t.Helper()
	u := &urlClient{asked: make(chan *mcp.ElicitParams, 9), closed: make(chan string, 9), waits: make(chan string, 99)}
	client := mcp.NewClient(&mcp.Implementation{Name: "foreign", Version: "1"}, &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapabilities{URL: &mcp.URLElicitationCapabilities{}}},
		ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			u.asked <- r.Params
			return &mcp.ElicitResult{Action: action}, nil
		},
		ElicitationCompleteHandler: func(_ context.Context, r *mcp.ElicitationCompleteNotificationRequest) {
			u.closed <- r.Params.ElicitationID
		},
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { u.waits <- r.Params.Message },
	})
	transport := &mcp.StreamableClientTransport{
		Endpoint: s.url, HTTPClient: &http.Client{Transport: adaTransport{}}, DisableStandaloneSSE: true,
	}
	var err error
	if u.ClientSession, err = client.Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: version}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	return u
}

// adaTransport sends ada's token.
type adaTransport struct{}

func (adaTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+adaToken)
	return http.DefaultTransport.RoundTrip(r)
}

// propose calls add_scan on a goroutine of its own.
func (u *urlClient) propose(t *testing.T, args map[string]any) <-chan *mcp.CallToolResult {
	t.Helper()
	done := make(chan *mcp.CallToolResult, 1)
	go func() {
		params := &mcp.CallToolParams{Name: "add_scan", Arguments: args}
		params.SetProgressToken("p")
		result, err := u.CallTool(t.Context(), params)
		if err != nil {
			t.Error(err)
		}
		done <- result
	}()
	return done
}

// TestTheClientOffersThePage: a client that can show addresses gets that of the page, in both eras, with an id. Whatever it
// answers decides nothing; the vote on the page does.
func TestTheClientOffersThePage(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		for _, action := range []string{"accept", "decline", "cancel"} {
			t.Run(version+"/"+action, func(t *testing.T) {
				t.Parallel()
				s := newStackWith(t, options{
					fallback: []confirm.Channel{confirm.WebPage},
					pageURL:  func(change string) string { return pageOrigin + change },
				})
				u := connectURLClient(t, s, version, action)
				done := u.propose(t, s.newScan("On the page"))
				asked := <-u.asked
				id := strings.TrimPrefix(asked.URL, pageOrigin)
				c, err := s.Gate.Change(t.Context(), id)
				if err != nil || asked.Mode != "url" || asked.ElicitationID != id || strings.Contains(asked.Message, c.Code) || !strings.Contains(asked.Message, "On the page") {
					t.Fatalf("the client was asked %+v, %v", asked, err)
				}
				for note := range u.waits {
					if strings.Contains(note, "waiting for a person") {
						break
					}
				}
				vote := confirm.Vote{Principal: "token:ada", Approve: true, Channel: confirm.WebPage}
				if _, err := s.Gate.Decide(t.Context(), id, vote); err != nil {
					t.Fatalf("after the client's answer, the vote on the page: %v", err)
				}
				result := <-done
				text, _ := json.Marshal(result)
				if !strings.Contains(string(text), `"applied"`) || strings.Contains(string(text), pageOrigin) {
					t.Errorf("the result is %s", text)
				}
				if version == "2025-11-25" {
					select {
					case closed := <-u.closed:
						if closed != id {
							t.Errorf("the page of %q is done, want %q", closed, id)
						}
					case <-time.After(time.Minute):
						t.Error("the client was not told that the page is done")
					}
				} else if len(u.closed) > 0 {
					t.Error("a client of the new protocol got a notification that it does not know")
				}
				s.wantWrites(t, 1)
			})
		}
	}
}

// TestWithoutAnHTTPSPageNoAddressIsSent: URL mode needs an address; without one the other channels are asked.
func TestWithoutAnHTTPSPageNoAddressIsSent(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{
		fallback: []confirm.Channel{confirm.WebPage, confirm.Terminal},
		pageURL:  func(string) string { return "" },
		policy:   func(p *confirm.Policy) { p.Approvers = append(p.Approvers, "local:grace") },
	})
	u := connectURLClient(t, s, "2026-07-28", "accept")
	text, _ := json.Marshal(<-u.propose(t, s.newScan("No page")))
	if len(u.asked) > 0 || !strings.Contains(string(text), "awaiting_confirmation") || !strings.Contains(string(text), "scanwarden review") {
		t.Errorf("asked %d times; the result is %s", len(u.asked), text)
	}
}
