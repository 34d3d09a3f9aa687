package mcpserver_test

import (
	"fmt"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// answersWithoutPerson are what clients send by themselves, as they did with no person at them: codex exec and approval
// policy "never" decline or cancel, claude -p and copilot -p cancel, a handler that throws is an error.
var answersWithoutPerson = map[string]string{
	"decline":          `"result":{"action":"decline"}`,
	"cancel":           `"result":{"action":"cancel"}`,
	"accept":           `"result":{"action":"accept"}`,
	"accept, empty":    `"result":{"action":"accept","content":{}}`,
	"accept, defaults": `"result":{"action":"accept","content":{"code":"string"}}`,
	"an error":         `"error":{"code":-32603,"message":"no terminal"}`,
	"not supported":    `"error":{"code":-32601,"message":"Method not found"}`,
}

// TestNoDenialWithoutAPerson: what a client answers by itself withdraws the change, with the likely cause, and the
// ledger and its log name no person.
func TestNoDenialWithoutAPerson(t *testing.T) {
	for name, answer := range answersWithoutPerson {
		t.Run("initialize era, "+name, func(t *testing.T) {
			s := newStack(t, func(p *confirm.Policy) { p.Approvers, p.SelfApproval = nil, false })
			w := s.startStdio(t)
			w.initialize()
			id, prompt := w.callAndWaitForPrompt(s, "Nobody there")
			w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, prompt.ID, answer))
			got := w.read()
			if string(got.ID) != fmt.Sprint(id) || !strings.Contains(string(got.Result), `"status":"withdrawn"`) {
				t.Errorf("got %+v %s", got, got.Result)
			}
			s.wantNobodyDecided(t, string(got.Result))
			w.closeAndWait()
		})
	}
	for _, action := range []string{"decline", "cancel", "accept"} {
		t.Run("2026-07-28, "+action, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			args := s.newScan("Nobody there")
			first := s.callTool(t, toolCall{tool: "add_scan", args: args})
			got := s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: respondWith(action), instant: true})
			got.wantStatus(t, "withdrawn")
			s.wantNobodyDecided(t, got.raw)
		})
	}
}

// wantNobodyDecided checks a result, the ledger and the log after an answer that no person gave.
func (s *stack) wantNobodyDecided(t *testing.T, result string) {
	t.Helper()
	for _, words := range []string{"0 ms", "codex exec, claude -p", "SCANWARDEN_CONFIRM_WITH"} {
		if !strings.Contains(result, words) {
			t.Errorf("the result does not say %q: %s", words, result)
		}
	}
	var log strings.Builder
	if err := s.Store.Export(t.Context(), &log, store.ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(result, "decided_by") || strings.Contains(log.String(), `"decision"`) || strings.Contains(log.String(), "denied") {
		t.Errorf("a person is said to have decided: %s\n%s", result, log.String())
	}
	s.wantWrites(t, 0)
}

// TestTheTimeOfAskingSurvives: between the two calls of a 2026-07-28 client, in the sealed requestState. A prompt that
// is shown again is measured from then.
func TestTheTimeOfAskingSurvives(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	args := s.newScan("Asked a second ago")
	first := s.callTool(t, toolCall{tool: "add_scan", args: args})
	s.think()
	again := s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState})
	again.wantPrompt(t)
	if again.Result.RequestState == first.Result.RequestState {
		t.Error("the prompt was shown again with the time of the first one")
	}
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: respondWith("decline"), instant: true}).
		wantStatus(t, "denied")

	args = s.newScan("Asked just now")
	first = s.callTool(t, toolCall{tool: "add_scan", args: args})
	s.think()
	again = s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState})
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: again.Result.RequestState, responses: respondWith("decline"), instant: true}).
		wantStatus(t, "withdrawn")
}
