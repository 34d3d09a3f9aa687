package mcpserver_test

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
)

// The first guarantee: no MCP input leads to a write to Defender, except through a change that an approver has
// confirmed.
func TestNoWriteWithoutAPerson(t *testing.T) {
	t.Parallel()
	const tool = "add_scan"
	for _, tt := range []struct {
		name   string
		answer func(t *testing.T, s *stack, first response, args map[string]any)
	}{
		{"no answer", func(*testing.T, *stack, response, map[string]any) {}},
		{"decline", func(t *testing.T, s *stack, first response, args map[string]any) {
			s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: respondWith("decline")}).wantStatus(t, "denied")
		}},
		{"cancel", func(t *testing.T, s *stack, first response, args map[string]any) {
			s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: respondWith("cancel")}).wantStatus(t, "withdrawn")
		}},
		{"an action that does not exist", func(t *testing.T, s *stack, first response, args map[string]any) {
			s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: respondWith("approve")}).wantStatus(t, "withdrawn")
		}},
		{"accept with nothing, thrice", func(t *testing.T, s *stack, first response, args map[string]any) {
			s.acceptThreeTimes(t, args, first, respondWith("accept"))
		}},
		{"accept with a wrong code, thrice", func(t *testing.T, s *stack, first response, args map[string]any) {
			s.acceptThreeTimes(t, args, first, acceptWith("ZZZZZ"))
		}},
		{"accept with a code that is not text, thrice", func(t *testing.T, s *stack, first response, args map[string]any) {
			s.acceptThreeTimes(t, args, first, acceptWith(true))
		}},
		{"an altered requestState", func(t *testing.T, s *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			state := first.Result.RequestState
			for i := range state {
				altered := state[:i] + string(rune(state[i])^1) + state[i+1:]
				s.callTool(t, toolCall{tool: tool, args: args, state: altered, responses: acceptWith(code)}).wantInvalidState(t)
			}
		}},
		{"other arguments on the retry", func(t *testing.T, s *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			other := maps.Clone(args)
			other["target"] = "10.99.99.99"
			s.callTool(t, toolCall{tool: tool, args: other, state: first.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
		}},
		{"another tool on the retry", func(t *testing.T, s *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			s.callTool(t, toolCall{tool: "delete_scans", args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
		}},
		{"another caller on the retry", func(t *testing.T, s *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			s.callTool(t, toolCall{token: bobToken, tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
		}},
		{"an answer to a question that was answered", func(t *testing.T, s *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith("ZZZZZ")}).wantPrompt(t)
			s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
		}},
		{"a yes after the expiry", func(t *testing.T, s *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			s.Advance(15 * time.Minute)
			s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "expired")
		}},
		{"a yes after the withdrawal", func(t *testing.T, s *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			open, err := s.Gate.OpenChanges(t.Context(), "token:ada")
			if err != nil || len(open) != 1 {
				t.Fatalf("open changes: %v %v", open, err)
			}
			s.callTool(t, toolCall{tool: "withdraw_change", args: map[string]any{"change_id": open[0].ID}}).wantStatus(t, "withdrawn")
			s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "withdrawn")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			args := s.newScan("New scan")
			first := s.callTool(t, toolCall{tool: tool, args: args})
			first.wantPrompt(t)
			tt.answer(t, s, first, args)
			s.wantWrites(t, 0)
		})
	}
}

// acceptThreeTimes sends the same wrong answer to three prompts: the third one ends the change.
func (s *stack) acceptThreeTimes(t *testing.T, args any, first response, answer map[string]any) {
	t.Helper()
	for _, left := range []string{"2 answers are left", "1 answer is left"} {
		first = s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: answer})
		text, _ := first.wantPrompt(t)
		lines := strings.Split(text, "\n")
		if notice := lines[len(lines)-2]; !strings.HasPrefix(notice, "That was not the code. "+left) || len(notice) > 78 {
			t.Errorf("the line above the code does not give the reason for the repetition: %s", text)
		}
	}
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: answer}).wantStatus(t, "denied")
}

// wantInvalidState checks for a protocol error without a prompt and without a change.
func (r response) wantInvalidState(t *testing.T) {
	t.Helper()
	if r.Error == nil || !strings.Contains(r.Error.Message, "does not belong to this call") {
		t.Fatalf("not refused: %d %s", r.status, r.raw)
	}
}

func TestNoWriteOnAForgedFirstAnswer(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, state := range []string{"", "e30.e30", "x"} {
		s.callTool(t, toolCall{tool: "add_scan", args: s.newScan("Forged"), state: state, responses: acceptWith("AAAAA")}).wantInvalidState(t)
	}
	s.wantWrites(t, 0)
	if kept, err := s.Store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
		t.Errorf("a forged answer left %d changes (%v)", len(kept), err)
	}
}

func TestAClientWithoutElicitationIsRefusedBeforeAnythingIsStored(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	got := s.callTool(t, toolCall{tool: "add_scan", args: s.newScan("Unseen"), cannotAsk: true})
	if out := got.wantStatus(t, "refused"); !got.Result.IsError || !strings.Contains(out.Reason+out.Next, "elicitation") {
		t.Errorf("the refusal does not contain what to do: %s", got.raw)
	}
	s.wantWrites(t, 0)
	if kept, err := s.Store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
		t.Errorf("%d changes were stored (%v)", len(kept), err)
	}
	if calls := s.Tenant.Calls(); len(calls) != 0 {
		t.Errorf("Defender was called %d times", len(calls))
	}
}

// The second guarantee: the sent bytes are the confirmed bytes, and nothing is sent if the live scan has changed.
func TestWhatYouSawIsWhatRuns(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.Tenant.AddScan(map[string]any{"scanName": "Core", "target": "10.0.0.1"})

	t.Run("to the byte", func(t *testing.T) {
		args := map[string]any{"id": id, "target": "10.0.0.1,10.0.0.2"}
		first := s.callTool(t, toolCall{tool: "update_scan", args: args})
		text, code := first.wantPrompt(t)
		for _, shown := range []string{`scan "Core"`, `target to "10.0.0.1,10.0.0.2"; adds "10.0.0.2"`} {
			if !strings.Contains(text, shown) {
				t.Errorf("the prompt does not show %q:\n%s", shown, text)
			}
		}
		open, err := s.Gate.OpenChanges(t.Context(), "token:ada")
		if err != nil || len(open) != 1 {
			t.Fatalf("open changes: %v %v", open, err)
		}
		s.callTool(t, toolCall{tool: "update_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "applied")
		sent := s.Tenant.Writes()
		if len(sent) != 1 || sent[0].Method != open[0].Request.Method || sent[0].Path != open[0].Request.Path {
			t.Fatalf("sent %+v, confirmed %+v", sent, open[0].Request)
		}
		if diff := cmp.Diff(string(open[0].Request.Body), string(sent[0].Body)); diff != "" {
			t.Errorf("other bytes were sent than confirmed:\n%s", diff)
		}
	})

	for tool, args := range map[string]map[string]any{
		"update_scan":  {"id": id, "isActive": false},
		"delete_scans": {"scanDefinitionIds": []string{id}},
	} {
		t.Run(tool+" of a scan that has changed", func(t *testing.T) {
			before := len(s.Tenant.Writes())
			first := s.callTool(t, toolCall{tool: tool, args: args})
			_, code := first.wantPrompt(t)
			s.Tenant.Edit(id, map[string]any{"target": "10.0.0.3" + strings.Repeat("0", before)})
			got := s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)})
			if out := got.wantStatus(t, "stale"); !strings.Contains(out.Reason, "target") || out.Next == "" {
				t.Errorf("the result does not contain what changed and what to do: %s", got.raw)
			}
			s.wantWrites(t, before)
			s.Tenant.Edit(id, map[string]any{"target": "10.0.0.1"})
		})
	}
}

// The third guarantee: a change runs at most once, and its outcome is recorded even if Defender's answer is lost.
func TestOnceAndNothingLost(t *testing.T) {
	t.Parallel()
	t.Run("the same answer many times at once", func(t *testing.T) {
		s := newStack(t)
		args := s.newScan("Once")
		first := s.callTool(t, toolCall{tool: "add_scan", args: args})
		_, code := first.wantPrompt(t)
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				got := s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)})
				var out struct{ Status string }
				if err := json.Unmarshal(got.Result.Structured, &out); err != nil || out.Status != "applied" {
					t.Errorf("one of the answers got %s", got.raw)
				}
			})
		}
		all.Wait()
		s.wantWrites(t, 1)
	})

	t.Run("a dropped connection after the write", func(t *testing.T) {
		s := newStack(t)
		s.Tenant.Fail(defendertest.Fault{Method: "POST", Path: "DeviceAuthenticatedScanDefinitions", Apply: true, Drop: true})
		s.callAndConfirm(t, "add_scan", s.newScan("Dropped")).wantStatus(t, "applied")
		s.wantWrites(t, 1)
		if scans := s.Tenant.Scans(); len(scans) != 1 {
			t.Errorf("Defender has %d scans, want 1", len(scans))
		}
	})

	t.Run("an answer that never came and a write that left no trace", func(t *testing.T) {
		s := newStack(t)
		s.Tenant.Fail(defendertest.Fault{Method: "POST", Path: "DeviceAuthenticatedScanDefinitions", Drop: true})
		got := s.callAndConfirm(t, "add_scan", s.newScan("Lost"))
		if out := got.wantStatus(t, "unknown"); got.Result.IsError || !strings.Contains(out.Next, "Lost") {
			t.Errorf("an unknown outcome must contain what to check, and must not look like an error to retry: %s", got.raw)
		}
		s.wantWrites(t, 0)
	})
}

func TestACallWithoutAnAnswerRepeatsThePrompt(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	args := s.newScan("Asked twice")
	first := s.callTool(t, toolCall{tool: "add_scan", args: args})
	_, code := first.wantPrompt(t)
	state := first.Result.RequestState
	again := s.callTool(t, toolCall{tool: "add_scan", args: args, state: state})
	if _, same := again.wantPrompt(t); same != code {
		t.Errorf("the code changed from %s to %s", code, same)
	}
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: state, responses: acceptWith(code)}).wantStatus(t, "applied")
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: state}).wantStatus(t, "applied")
	s.wantWrites(t, 1)
}

func TestTheCodeIsShownInThePromptOnly(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	args := s.newScan("Secret code")
	first := s.callTool(t, toolCall{tool: "add_scan", args: args})
	_, code := first.wantPrompt(t)
	state, err := decodeState(first.Result.RequestState)
	if err != nil || strings.Contains(state, code) {
		t.Errorf("requestState contains the code: %s (%v)", state, err)
	}
	open := s.callTool(t, toolCall{tool: "get_change", args: map[string]any{}})
	ended := s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)})
	for name, r := range map[string]response{"get_change": open, "the result": ended} {
		if strings.Contains(r.raw, code) {
			t.Errorf("%s contains the code: %s", name, r.raw)
		}
	}
}

// If the store fails after the answer, the result must not claim that nothing was changed.
func TestAFailureAfterTheAnswerIsNoRefusal(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	args := s.newScan("In doubt")
	first := s.callTool(t, toolCall{tool: "add_scan", args: args})
	_, code := first.wantPrompt(t)
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	got := s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)})
	if out := got.wantStatus(t, "awaiting_confirmation"); out.ChangeID == "" || got.Result.IsError || !strings.Contains(out.Next, "get_change") {
		t.Errorf("the result invites to repeat the call: %s", got.raw)
	}
}
