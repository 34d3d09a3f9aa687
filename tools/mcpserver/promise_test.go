package mcpserver_test

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
)

// The first promise of the design: no input over this face reaches a Defender write except through a change
// that a person has confirmed.
func TestNoWriteWithoutAPerson(t *testing.T) {
	const tool = "add_scan"
	for _, tt := range []struct {
		name   string
		answer func(t *testing.T, h *stack, first response, args map[string]any)
	}{
		{"nobody answers", func(*testing.T, *stack, response, map[string]any) {}},
		{"decline", func(t *testing.T, h *stack, first response, args map[string]any) {
			h.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: respondWith("decline")}).wantStatus(t, "denied")
		}},
		{"cancel", func(t *testing.T, h *stack, first response, args map[string]any) {
			h.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: respondWith("cancel")}).wantStatus(t, "denied")
		}},
		{"an action that does not exist", func(t *testing.T, h *stack, first response, args map[string]any) {
			h.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: respondWith("approve")}).wantStatus(t, "denied")
		}},
		{"accept with nothing, thrice", func(t *testing.T, h *stack, first response, args map[string]any) {
			h.acceptThreeTimes(t, args, first, respondWith("accept"))
		}},
		{"accept with a wrong code, thrice", func(t *testing.T, h *stack, first response, args map[string]any) {
			h.acceptThreeTimes(t, args, first, acceptWith("ZZZZZ"))
		}},
		{"accept with a code that is not text, thrice", func(t *testing.T, h *stack, first response, args map[string]any) {
			h.acceptThreeTimes(t, args, first, acceptWith(true))
		}},
		{"an altered requestState", func(t *testing.T, h *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			state := first.Result.RequestState
			for i := range state {
				altered := state[:i] + string(rune(state[i])^1) + state[i+1:]
				h.callTool(t, toolCall{tool: tool, args: args, state: altered, responses: acceptWith(code)}).wantInvalidState(t)
			}
		}},
		{"other arguments on the retry", func(t *testing.T, h *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			other := maps.Clone(args)
			other["target"] = "10.99.99.99"
			h.callTool(t, toolCall{tool: tool, args: other, state: first.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
		}},
		{"another tool on the retry", func(t *testing.T, h *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			h.callTool(t, toolCall{tool: "delete_scans", args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
		}},
		{"another caller on the retry", func(t *testing.T, h *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			h.callTool(t, toolCall{token: bobToken, tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
		}},
		{"an answer to a question that was answered", func(t *testing.T, h *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			h.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith("ZZZZZ")}).wantPrompt(t)
			h.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
		}},
		{"a yes after the expiry", func(t *testing.T, h *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			h.ahead.Store(15 * 60)
			h.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "expired")
		}},
		{"a yes after the withdrawal", func(t *testing.T, h *stack, first response, args map[string]any) {
			_, code := first.wantPrompt(t)
			open, err := h.gate.OpenChanges(t.Context(), "token:ada")
			if err != nil || len(open) != 1 {
				t.Fatalf("open changes: %v %v", open, err)
			}
			h.callTool(t, toolCall{tool: "withdraw_change", args: map[string]any{"change_id": open[0].ID}}).wantStatus(t, "withdrawn")
			h.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "withdrawn")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newStack(t)
			args := h.newScan("New scan")
			first := h.callTool(t, toolCall{tool: tool, args: args})
			first.wantPrompt(t)
			tt.answer(t, h, first, args)
			h.wantWrites(t, 0)
		})
	}
}

// acceptThreeTimes accepts every question with the same useless answer: the third one ends it.
func (h *stack) acceptThreeTimes(t *testing.T, args any, first response, answer map[string]any) {
	t.Helper()
	for range 2 {
		first = h.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: answer})
		if text, _ := first.wantPrompt(t); !strings.HasPrefix(text, "That was not the code.") {
			t.Errorf("the person is not told why they are asked again: %s", text)
		}
	}
	h.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: answer}).wantStatus(t, "denied")
}

// wantInvalidState checks for a protocol error that asks for nothing and says nothing of a change.
func (r response) wantInvalidState(t *testing.T) {
	t.Helper()
	if r.Error == nil || !strings.Contains(r.Error.Message, "does not belong to this call") {
		t.Fatalf("not refused: %d %s", r.status, r.raw)
	}
}

func TestNoWriteOnAForgedFirstAnswer(t *testing.T) {
	h := newStack(t)
	for _, state := range []string{"", "e30.e30", "x"} {
		h.callTool(t, toolCall{tool: "add_scan", args: h.newScan("Forged"), state: state, responses: acceptWith("AAAAA")}).wantInvalidState(t)
	}
	h.wantWrites(t, 0)
	if kept, err := h.store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
		t.Errorf("a forged answer left %d changes (%v)", len(kept), err)
	}
}

func TestAClientThatCannotAskIsRefusedBeforeAnythingIsKept(t *testing.T) {
	h := newStack(t)
	got := h.callTool(t, toolCall{tool: "add_scan", args: h.newScan("Unseen"), cannotAsk: true})
	if out := got.wantStatus(t, "refused"); !got.Result.IsError || !strings.Contains(out.Reason+out.Next, "elicitation") {
		t.Errorf("the refusal does not say what to do: %s", got.raw)
	}
	h.wantWrites(t, 0)
	if kept, err := h.store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
		t.Errorf("%d changes were kept (%v)", len(kept), err)
	}
	if calls := h.tenant.Calls(); len(calls) != 0 {
		t.Errorf("Defender was called %d times", len(calls))
	}
}

// The second promise: the confirmed bytes are the sent bytes, and if the live scan moved meanwhile nothing is.
func TestWhatYouSawIsWhatRuns(t *testing.T) {
	h := newStack(t)
	id := h.tenant.AddScan(map[string]any{"scanName": "Core", "target": "10.0.0.1"})

	t.Run("to the byte", func(t *testing.T) {
		args := map[string]any{"id": id, "target": "10.0.0.1,10.0.0.2"}
		first := h.callTool(t, toolCall{tool: "update_scan", args: args})
		text, code := first.wantPrompt(t)
		for _, shown := range []string{"Core", "10.0.0.1 -> 10.0.0.1,10.0.0.2"} {
			if !strings.Contains(text, shown) {
				t.Errorf("the person is not shown %q:\n%s", shown, text)
			}
		}
		open, err := h.gate.OpenChanges(t.Context(), "token:ada")
		if err != nil || len(open) != 1 {
			t.Fatalf("open changes: %v %v", open, err)
		}
		h.callTool(t, toolCall{tool: "update_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "applied")
		sent := h.tenant.Writes()
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
		t.Run(tool+" of a scan that moved", func(t *testing.T) {
			before := len(h.tenant.Writes())
			first := h.callTool(t, toolCall{tool: tool, args: args})
			_, code := first.wantPrompt(t)
			h.tenant.Edit(id, map[string]any{"target": "10.0.0.3" + strings.Repeat("0", before)})
			got := h.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)})
			if out := got.wantStatus(t, "stale"); !strings.Contains(out.Reason, "target") || out.Next == "" {
				t.Errorf("it does not say what moved and what to do: %s", got.raw)
			}
			h.wantWrites(t, before)
			h.tenant.Edit(id, map[string]any{"target": "10.0.0.1"})
		})
	}
}

// The third promise: a change runs at most once, and its outcome is recorded even when no answer came.
func TestOnceAndNothingLost(t *testing.T) {
	t.Run("the same answer many times at once", func(t *testing.T) {
		h := newStack(t)
		args := h.newScan("Once")
		first := h.callTool(t, toolCall{tool: "add_scan", args: args})
		_, code := first.wantPrompt(t)
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				got := h.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)})
				var out struct{ Status string }
				if err := json.Unmarshal(got.Result.Structured, &out); err != nil || out.Status != "applied" {
					t.Errorf("one of the answers got %s", got.raw)
				}
			})
		}
		all.Wait()
		h.wantWrites(t, 1)
	})

	t.Run("a dropped connection after the write", func(t *testing.T) {
		h := newStack(t)
		h.tenant.Fail(defendertest.Fault{Method: "POST", Path: "DeviceAuthenticatedScanDefinitions", Apply: true, Drop: true})
		h.callAndConfirm(t, "add_scan", h.newScan("Dropped")).wantStatus(t, "applied")
		h.wantWrites(t, 1)
		if scans := h.tenant.Scans(); len(scans) != 1 {
			t.Errorf("Defender has %d scans, want 1", len(scans))
		}
	})

	t.Run("an answer that never came and a write that left no trace", func(t *testing.T) {
		h := newStack(t)
		h.tenant.Fail(defendertest.Fault{Method: "POST", Path: "DeviceAuthenticatedScanDefinitions", Drop: true})
		got := h.callAndConfirm(t, "add_scan", h.newScan("Lost"))
		if out := got.wantStatus(t, "unknown"); got.Result.IsError || !strings.Contains(out.Next, "Lost") {
			t.Errorf("an unknown outcome must say what to check, and not look like something to repeat: %s", got.raw)
		}
		h.wantWrites(t, 0)
	})
}

func TestAQuestionWithoutAnAnswerIsAskedAgain(t *testing.T) {
	h := newStack(t)
	args := h.newScan("Asked twice")
	first := h.callTool(t, toolCall{tool: "add_scan", args: args})
	_, code := first.wantPrompt(t)
	state := first.Result.RequestState
	again := h.callTool(t, toolCall{tool: "add_scan", args: args, state: state})
	if _, same := again.wantPrompt(t); same != code {
		t.Errorf("the code changed from %s to %s", code, same)
	}
	h.callTool(t, toolCall{tool: "add_scan", args: args, state: state, responses: acceptWith(code)}).wantStatus(t, "applied")
	h.callTool(t, toolCall{tool: "add_scan", args: args, state: state}).wantStatus(t, "applied")
	h.wantWrites(t, 1)
}

func TestTheCodeIsShownInThePromptOnly(t *testing.T) {
	h := newStack(t)
	args := h.newScan("Secret code")
	first := h.callTool(t, toolCall{tool: "add_scan", args: args})
	_, code := first.wantPrompt(t)
	state, err := decodeState(first.Result.RequestState)
	if err != nil || strings.Contains(state, code) {
		t.Errorf("requestState tells the code: %s (%v)", state, err)
	}
	open := h.callTool(t, toolCall{tool: "get_change", args: map[string]any{}})
	ended := h.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)})
	for name, r := range map[string]response{"get_change": open, "the result": ended} {
		if strings.Contains(r.raw, code) {
			t.Errorf("%s tells the code: %s", name, r.raw)
		}
	}
}

// When the ledger fails after the person has answered, nobody may be told that nothing was changed.
func TestAFailureAfterTheAnswerIsNoRefusal(t *testing.T) {
	h := newStack(t)
	args := h.newScan("In doubt")
	first := h.callTool(t, toolCall{tool: "add_scan", args: args})
	_, code := first.wantPrompt(t)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	got := h.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)})
	if out := got.wantStatus(t, "awaiting_confirmation"); out.ChangeID == "" || got.Result.IsError || !strings.Contains(out.Next, "get_change") {
		t.Errorf("it invites to be repeated: %s", got.raw)
	}
}
