package tools_test

import (
	"encoding/json"
	"slices"
	"testing"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// wantCallers checks on whose behalf the calls were made, beginning with call number from.
func (s *stack) wantCallers(from int, want ...string) {
	s.t.Helper()
	if got := s.Callers()[from:]; !slices.Equal(got, want) {
		s.t.Errorf("calls in the name of %q, want %q", got, want)
	}
}

// TestDefenderIsCalledOnBehalfOfTheRequester: reads and plans on behalf of the caller, and the write with its
// comparison on behalf of the requester. Reconcile reads as the application itself.
func TestDefenderIsCalledOnBehalfOfTheRequester(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.mustCall(ada, "scan_history", `{"sessionIds":["01decc497f4b4ec49a5fc4e12597f8c8"]}`)
	s.wantCallers(0, string(ada))

	p, err := s.Service.Plan(t.Context(), tools.Caller{Principal: ada}, "update_scan", json.RawMessage(`{"id":"Core switches","isActive":false}`))
	if err != nil {
		t.Fatal(err)
	}
	s.wantCallers(1, string(ada), string(ada))

	c := executingChange(p)
	c.Requester = ada
	s.wantState(s.Executor.Execute(t.Context(), c, noCheck), "applied")
	s.wantCallers(3, string(ada), string(ada))
	s.Executor.Reconcile(t.Context(), c)
	s.wantCallers(5, "") // the application sees every scan, a user perhaps not
}

// TestAnAgentIsNotItsUser: an agent has a user's principal, and its calls are never taken for the user's own.
func TestAnAgentIsNotItsUser(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	agentOfAda := tools.Caller{Principal: ada, Agent: true}
	if _, err := s.Service.Call(t.Context(), agentOfAda, "scan_history", json.RawMessage(`{"sessionIds":["01decc497f4b4ec49a5fc4e12597f8c8"]}`)); err != nil {
		t.Fatal(err)
	}
	p, err := s.Service.Plan(t.Context(), agentOfAda, "update_scan", json.RawMessage(`{"id":"Core switches","isActive":false}`))
	if err != nil {
		t.Fatal(err)
	}
	c := executingChange(p)
	c.Requester, c.Agent = ada, true
	s.wantState(s.Executor.Execute(t.Context(), c, noCheck), "applied")
	agent := "agent-" + string(ada)
	s.wantCallers(0, agent, agent, agent, agent, agent)
}
