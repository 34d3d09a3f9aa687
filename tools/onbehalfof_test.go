package tools_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// named gives the house a sign-in that tells in whose name each call is made: its token is the person's principal.
func named(t testing.TB, o defendertest.Options, change ...func(*tools.Config)) *house {
	t.Helper()
	h := build(t, o, change...)
	h.api.Token = func(_ context.Context, want defender.TokenRequest) (string, error) {
		if want.Actor.Agent {
			return "for-agent-" + want.Actor.User, nil
		}
		return "for-" + want.Actor.User, nil
	}
	var err error
	if h.cfg.Reader, err = defender.New(h.api); err != nil {
		t.Fatal(err)
	}
	if h.writer, err = defender.NewWriter(h.api); err != nil {
		t.Fatal(err)
	}
	h.desk = tools.NewService(h.cfg)
	h.exec = tools.NewExecutor(h.cfg.Reader, h.writer, h.cfg.Credentials)
	return h
}

// wantCallers checks in whose name the calls since the last check were made.
func (h *house) wantCallers(from int, want ...string) {
	h.t.Helper()
	var got []string
	for _, c := range h.sim.Calls()[from:] {
		got = append(got, strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer for-"))
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("calls in the name of %q, want %q", got, want)
	}
}

// TestDefenderIsCalledInTheAskersName: reads in the caller's, plans in that of whom the face says, and the write,
// with all around it, in the requester's, whoever's yes it runs under.
func TestDefenderIsCalledInTheAskersName(t *testing.T) {
	h := named(t, defendertest.Options{})
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
	h := named(t, defendertest.Options{})
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
