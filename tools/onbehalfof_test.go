package tools_test

import (
	"encoding/json"
	"slices"
	"testing"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// wantCallers checks in whose name the calls from the given one on were made.
func (h *house) wantCallers(from int, want ...string) {
	h.t.Helper()
	if got := h.Callers()[from:]; !slices.Equal(got, want) {
		h.t.Errorf("calls in the name of %q, want %q", got, want)
	}
}

// TestDefenderIsCalledInTheAskersName: reads in the caller's, plans in that of whom the face says, and the write,
// with all around it, in the requester's, whoever's yes it runs under.
func TestDefenderIsCalledInTheAskersName(t *testing.T) {
	h := build(t, defendertest.Options{})
	h.mustCall(ada, "scan_history", `{"sessionIds":["01decc497f4b4ec49a5fc4e12597f8c8"]}`)
	h.wantCallers(0, string(ada))

	p, err := h.desk.Plan(t.Context(), tools.Caller{Principal: ada}, "update_scan", json.RawMessage(`{"id":"Core switches","isActive":false}`))
	if err != nil {
		t.Fatal(err)
	}
	h.wantCallers(1, string(ada), string(ada))

	c := change(p)
	c.Requester = ada
	h.wantState(h.exec.Execute(t.Context(), c, freely), "applied")
	h.wantCallers(3, string(ada), string(ada))
	h.exec.Reconcile(t.Context(), c)
	h.wantCallers(5, "") // the application sees everything, a person perhaps not
}

// TestAnAgentIsNotItsPerson: an agent bears a person's principal, and neither its reads nor what it asked for is
// taken for the person's own.
func TestAnAgentIsNotItsPerson(t *testing.T) {
	h := build(t, defendertest.Options{})
	agentOfAda := tools.Caller{Principal: ada, Agent: true}
	if _, err := h.desk.Call(t.Context(), agentOfAda, "scan_history", json.RawMessage(`{"sessionIds":["01decc497f4b4ec49a5fc4e12597f8c8"]}`)); err != nil {
		t.Fatal(err)
	}
	p, err := h.desk.Plan(t.Context(), agentOfAda, "update_scan", json.RawMessage(`{"id":"Core switches","isActive":false}`))
	if err != nil {
		t.Fatal(err)
	}
	c := change(p)
	c.Requester, c.Agent = ada, true
	h.wantState(h.exec.Execute(t.Context(), c, freely), "applied")
	agent := "agent-" + string(ada)
	h.wantCallers(0, agent, agent, agent, agent, agent)
}
