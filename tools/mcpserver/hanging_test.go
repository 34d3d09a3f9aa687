package mcpserver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
)

// endings are the ways in which a change ends while a client's prompt stands unanswered.
var endings = map[string]func(*testing.T, *house, confirm.Change){
	"withdrawn": func(t *testing.T, h *house, c confirm.Change) {
		if _, err := h.gate.Withdraw(t.Context(), c.ID, confirm.Asker{Principal: c.Requester}); err != nil {
			t.Error(err)
		}
	},
	"expired": func(_ *testing.T, h *house, _ confirm.Change) { h.ahead.Store(3600) },
	"applied": func(t *testing.T, h *house, c confirm.Change) {
		vote := confirm.Vote{Principal: "token:bob", Approve: true, Channel: confirm.Slack}
		if _, err := h.gate.Decide(t.Context(), c.ID, vote); err != nil {
			t.Error(err)
		}
	},
}

// hanging is a house in which two channels are asked.
func hanging(t *testing.T) *house {
	return newHouseAsking(t, []confirm.Channel{confirm.Client, confirm.Slack}, func(p *confirm.Policy) {
		p.Approvers = []string{"token:ada", "token:bob", "local:ada"}
	})
}

func (h *house) theOpenOne(t *testing.T, by confirm.Principal) confirm.Change {
	t.Helper()
	open, err := h.gate.OpenChanges(t.Context(), by)
	if err != nil || len(open) != 1 {
		t.Fatalf("open changes: %v %v", open, err)
	}
	return open[0]
}

// An initialize-era call hangs while its person is asked; it ends with the change, whoever ended that.
func TestAHangingCallEndsWithItsChange(t *testing.T) {
	for status, end := range endings {
		t.Run("stdio "+status, func(t *testing.T) {
			h := hanging(t)
			w := h.stdio(t)
			w.initialize()
			id := w.request("tools/call", map[string]any{"name": "add_scan", "arguments": h.newScan("Left hanging")})
			if question := w.read(); question.Method != "elicitation/create" {
				t.Fatalf("got %+v", question)
			}
			end(t, h, h.theOpenOne(t, "local:ada"))
			if got := w.read(); string(got.ID) != fmt.Sprint(id) || !strings.Contains(string(got.Result), `"status":"`+status+`"`) {
				t.Errorf("got %+v %s", got, got.Result)
			}
			w.ends()
		})
		t.Run("HTTP "+status, func(t *testing.T) {
			h := hanging(t)
			asked, over := make(chan struct{}), make(chan struct{})
			defer close(over)
			c := h.old(t, func(string) *mcp.ElicitationResult {
				close(asked)
				<-over
				return typed("LATE2")
			})
			ended := make(chan string, 1)
			go func() {
				res, err := h.callOld(t, c, "add_scan", h.newScan("Left hanging"))
				ended <- fmt.Sprintf("%+v %v", res, err)
			}()
			<-asked
			end(t, h, h.theOpenOne(t, "token:ada"))
			select {
			case got := <-ended:
				if !strings.Contains(got, "status:"+status) {
					t.Error(got)
				}
			case <-time.After(20 * time.Second):
				t.Error("the call still hangs")
			}
		})
	}
}

// A client that goes away takes its question along: the change is withdrawn by the time the server has ended.
func TestAQuestionGoesWithItsClient(t *testing.T) {
	h := newHouse(t, func(p *confirm.Policy) { p.Approvers, p.SelfApproval = nil, false })
	w := h.stdio(t)
	w.initialize()
	w.request("tools/call", map[string]any{"name": "add_scan", "arguments": h.newScan("Left alone")})
	if got := w.read(); got.Method != "elicitation/create" {
		t.Fatalf("got %+v", got)
	}
	c := h.theOpenOne(t, "local:ada")
	w.ends()
	if now, err := h.ledger.Change(t.Context(), c.ID); err != nil || now.State != confirm.Withdrawn {
		t.Errorf("the change is %s, %v", now.State, err)
	}
}

// A client whose prompt fails has asked nobody.
func TestAPromptThatFailsTakesItsQuestionAlong(t *testing.T) {
	h := newHouse(t, func(p *confirm.Policy) { p.Approvers, p.SelfApproval = nil, false })
	w := h.stdio(t)
	w.initialize()
	id := w.request("tools/call", map[string]any{"name": "add_scan", "arguments": h.newScan("Not shown")})
	question := w.read()
	c := h.theOpenOne(t, "local:ada")
	w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32603,"message":"no window"}}`, question.ID))
	if got := w.read(); string(got.ID) != fmt.Sprint(id) || got.Error == nil {
		t.Errorf("got %+v %s", got, got.Result)
	}
	if now, err := h.ledger.Change(t.Context(), c.ID); err != nil || now.State != confirm.Withdrawn {
		t.Errorf("the change is %s, %v", now.State, err)
	}
	w.ends()
}
