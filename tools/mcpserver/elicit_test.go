package mcpserver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
)

// waysToEnd end a change while a client's prompt is open. The keys are the resulting states.
var waysToEnd = map[string]func(*testing.T, *stack, confirm.Change){
	"withdrawn": func(t *testing.T, s *stack, c confirm.Change) {
		if _, err := s.Gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: c.Requester}); err != nil {
			t.Error(err)
		}
	},
	"expired": func(t *testing.T, s *stack, c confirm.Change) {
		s.Advance(time.Hour)
		if _, err := s.Gate.Change(t.Context(), c.ID); err != nil { // expires it
			t.Error(err)
		}
	},
	"applied": func(t *testing.T, s *stack, c confirm.Change) {
		vote := confirm.Vote{Principal: "token:bob", Approve: true, Channel: confirm.Slack}
		if _, err := s.Gate.Decide(t.Context(), c.ID, vote); err != nil {
			t.Error(err)
		}
	},
}

// newTwoChannelStack returns a stack that asks approvers in the client and in Slack.
func newTwoChannelStack(t *testing.T) *stack {
	return newStackWith(t, options{channels: clientAndSlack, policy: func(p *confirm.Policy) {
		p.Approvers = []string{"token:ada", "token:bob", "local:ada"}
	}})
}

// newStackWithHooks returns a stack with two channels, whose store calls the hooks.
func newStackWithHooks(t *testing.T) (*stack, *storeHooks) {
	hooks := &storeHooks{}
	return newStackWith(t, options{channels: clientAndSlack, hooks: hooks, policy: func(p *confirm.Policy) {
		p.Approvers = []string{"token:bob", "local:ada"}
	}}), hooks
}

func (s *stack) onlyOpenChange(t *testing.T, by confirm.Principal) confirm.Change {
	t.Helper()
	open, err := s.Gate.OpenChanges(t.Context(), by)
	if err != nil || len(open) != 1 {
		t.Fatalf("open changes: %v %v", open, err)
	}
	return open[0]
}

// A call of an initialize-era client waits while its user is prompted. It ends when the change ends on any channel.
func TestAWaitingCallEndsWithItsChange(t *testing.T) {
	for status, end := range waysToEnd {
		t.Run("stdio "+status, func(t *testing.T) {
			s := newTwoChannelStack(t)
			w := s.startStdio(t)
			w.initialize()
			id := w.request("tools/call", map[string]any{"name": "add_scan", "arguments": s.newScan("Left hanging")})
			if prompt := w.read(); prompt.Method != "elicitation/create" {
				t.Fatalf("got %+v", prompt)
			}
			end(t, s, s.onlyOpenChange(t, "local:ada"))
			if got := w.read(); string(got.ID) != fmt.Sprint(id) || !strings.Contains(string(got.Result), `"status":"`+status+`"`) {
				t.Errorf("got %+v %s", got, got.Result)
			}
			w.closeAndWait()
		})
		t.Run("HTTP "+status, func(t *testing.T) {
			t.Parallel()
			s := newTwoChannelStack(t)
			asked, over := make(chan struct{}), make(chan struct{})
			defer close(over)
			c := s.dialInitializeEra(t, func(string) *mcp.ElicitationResult {
				close(asked)
				<-over
				return acceptCode("LATE2")
			})
			ended := make(chan string, 1)
			go func() {
				res, err := s.callInitializeEra(t, c, "add_scan", s.newScan("Left hanging"))
				ended <- fmt.Sprintf("%+v %v", res, err)
			}()
			<-asked
			end(t, s, s.onlyOpenChange(t, "token:ada"))
			select {
			case got := <-ended:
				if !strings.Contains(got, "status:"+status) {
					t.Error(got)
				}
			case <-time.After(time.Minute):
				t.Error("the call still hangs")
			}
		})
	}
}

// When the client disconnects, its change is withdrawn before the server ends.
func TestTheChangeOfADisconnectedClientIsWithdrawn(t *testing.T) {
	s := newStack(t, func(p *confirm.Policy) { p.Approvers, p.SelfApproval = nil, false })
	w := s.startStdio(t)
	w.initialize()
	w.request("tools/call", map[string]any{"name": "add_scan", "arguments": s.newScan("Left alone")})
	if got := w.read(); got.Method != "elicitation/create" {
		t.Fatalf("got %+v", got)
	}
	c := s.onlyOpenChange(t, "local:ada")
	w.closeAndWait()
	if now, err := s.Store.Change(t.Context(), c.ID); err != nil || now.State != confirm.Withdrawn {
		t.Errorf("the change is %s, %v", now.State, err)
	}
}

// storeHooks is a real store that calls the test before some of its methods.
type storeHooks struct {
	confirm.Store
	beforeRead atomic.Pointer[func() error]       // before a change is read
	beforeMove func(confirm.Change, confirm.Move) // before a transition
}

func (b *storeHooks) Change(ctx context.Context, id string) (confirm.Change, error) {
	if read := b.beforeRead.Load(); read != nil {
		if err := (*read)(); err != nil {
			return confirm.Change{}, err
		}
	}
	return b.Store.Change(ctx, id)
}

func (b *storeHooks) Move(ctx context.Context, c confirm.Change, m confirm.Move) (confirm.Change, error) {
	if b.beforeMove != nil {
		b.beforeMove(c, m)
	}
	return b.Store.Move(ctx, c, m)
}

// callAndWaitForPrompt calls add_scan and returns the prompt that the client receives.
func (w *stdioClient) callAndWaitForPrompt(s *stack, name string) (id int, prompt rpcMessage) {
	w.t.Helper()
	id = w.request("tools/call", map[string]any{"name": "add_scan", "arguments": s.newScan(name)})
	if prompt = w.read(); prompt.Method != "elicitation/create" {
		w.t.Fatalf("got %+v %s", prompt, prompt.Result)
	}
	return id, prompt
}

func (w *stdioClient) sendResult(prompt rpcMessage, result string) {
	w.t.Helper()
	w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, prompt.ID, result))
}

func (w *stdioClient) wantStatus(id int, status string) {
	w.t.Helper()
	if got := w.read(); string(got.ID) != fmt.Sprint(id) || !strings.Contains(string(got.Result), `"status":"`+status+`"`) {
		w.t.Errorf("got %+v %s, want %s", got, got.Result, status)
	}
}

// An error in place of an answer is neither an approval nor a denial. If other channels are asked too, the call waits for them.
func TestAnErrorInPlaceOfAnAnswerIsNoDecision(t *testing.T) {
	failed := `{"jsonrpc":"2.0","id":%s,"error":{"code":-32603,"message":"no window"}}`
	t.Run("alone", func(t *testing.T) {
		s := newStack(t, func(p *confirm.Policy) { p.Approvers, p.SelfApproval = nil, false })
		w := s.startStdio(t)
		w.initialize()
		id, prompt := w.callAndWaitForPrompt(s, "Not shown")
		w.send(fmt.Sprintf(failed, prompt.ID))
		w.wantStatus(id, "withdrawn")
		w.closeAndWait()
	})
	t.Run("with Slack", func(t *testing.T) {
		s := newTwoChannelStack(t)
		w := s.startStdio(t)
		w.initialize()
		id, prompt := w.callAndWaitForPrompt(s, "Not shown")
		w.send(fmt.Sprintf(failed, prompt.ID))
		waysToEnd["applied"](t, s, s.onlyOpenChange(t, "local:ada"))
		w.wantStatus(id, "applied")
		w.closeAndWait()
	})
}

// Bob approves in Slack while ada's client sends another answer. The result is the outcome of the change, and does not
// invite to repeat the call.
func TestAnAnswerAfterADecisionGetsTheOutcome(t *testing.T) {
	for _, answer := range []string{`{"action":"accept","content":{"code":"WRONG"}}`, `{"action":"cancel"}`} {
		s, hooks := newStackWithHooks(t)
		hooks.beforeMove = func(c confirm.Change, m confirm.Move) {
			if m.NextRound {
				waysToEnd["applied"](t, s, c)
			}
		}
		w := s.startStdio(t)
		w.initialize()
		id, prompt := w.callAndWaitForPrompt(s, "Decided meanwhile")
		w.sendResult(prompt, answer)
		w.wantStatus(id, "applied")
		s.wantWrites(t, 1)
		w.closeAndWait()
	}
}

// A waiting call continues after one failure, or panic, of the store.
func TestAWaitingCallSurvivesAFailureOfTheStore(t *testing.T) {
	for name, trouble := range map[string]func() error{
		"error": func() error { return errors.New("terminating connection due to administrator command") },
		"panic": func() error { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			s, hooks := newStackWithHooks(t)
			w := s.startStdio(t)
			w.initialize()
			id, _ := w.callAndWaitForPrompt(s, "Asked in troubled times")
			c := s.onlyOpenChange(t, "local:ada")
			failed := make(chan struct{})
			fail := sync.OnceValue(func() error {
				hooks.beforeRead.Store(nil)
				defer close(failed)
				return trouble()
			})
			hooks.beforeMove = func(confirm.Change, confirm.Move) { hooks.beforeRead.Store(&fail) }
			if err := s.Gate.SetProblem(t.Context(), c.ID, "not yet posted"); err != nil { // a transition wakes the call
				t.Fatal(err)
			}
			<-failed
			hooks.beforeMove = nil
			waysToEnd["applied"](t, s, c)
			w.wantStatus(id, "applied")
			w.closeAndWait()
		})
	}
}

// An answer counts even if the client cancels the call while the answer is being stored.
func TestAnAnswerCountsAlthoughItsCallIsCanceled(t *testing.T) {
	for status, answer := range map[confirm.State]string{
		confirm.Denied: `{"action":"decline"}`, confirm.Applied: `{"action":"accept","content":{"code":"%s"}}`,
	} {
		s, hooks := newStackWithHooks(t)
		deciding, canceled := make(chan struct{}), make(chan struct{})
		hooks.beforeMove = func(_ confirm.Change, m confirm.Move) {
			if m.Decision != nil {
				close(deciding)
				<-canceled
			}
		}
		w := s.startStdio(t)
		w.initialize()
		id, prompt := w.callAndWaitForPrompt(s, "Answered and canceled")
		c := s.onlyOpenChange(t, "local:ada")
		if status == confirm.Applied {
			answer = fmt.Sprintf(answer, codeLine.FindStringSubmatch(prompt.Params.Message)[1])
		}
		s.think()
		w.sendResult(prompt, answer)
		<-deciding
		w.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, id))
		ping := w.request("ping", map[string]any{}) // answered after the server has read the cancellation
		if got := w.read(); string(got.ID) != fmt.Sprint(ping) {
			t.Errorf("got %+v", got)
		}
		close(canceled)
		wait, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if now, err := s.Gate.Wait(wait, c.ID); err != nil || now.State != status {
			t.Errorf("the change is %s, %v; want %s", now.State, err, status)
		}
		w.closeAndWait()
	}
}
