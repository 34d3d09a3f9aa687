package toolstest_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools/toolstest"
)

// TestAStackCarriesAChangeFromEndToEnd, and every call of it names the requester.
func TestAStackCarriesAChangeFromEndToEnd(t *testing.T) {
	t.Parallel()
	s := toolstest.New(t, toolstest.Options{
		Tenant: defendertest.Options{Empty: true}, Policy: confirm.Policy{Approvers: []string{"token:bob"}},
	})
	args, err := json.Marshal(map[string]any{
		"scanType": "Network", "scanName": "Lab", "target": "10.1.2.3", "intervalInHours": 4,
		"scannerAgent":             map[string]any{"machineId": s.Scanner},
		"scanAuthenticationParams": map[string]any{"type": "NoAuthNoPriv", "username": "scanner"},
	})
	if err != nil {
		t.Fatal(err)
	}
	requester := confirm.Requester{Principal: "token:ada", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.Slack}}
	c, err := s.Service.Propose(t.Context(), requester, "add_scan", args)
	if err != nil {
		t.Fatal(err)
	}
	vote := confirm.Vote{Principal: "token:bob", Approve: true, Channel: confirm.Slack}
	if _, err := s.Gate.Decide(t.Context(), c.ID, vote); err != nil {
		t.Fatal(err)
	}
	if c, err = s.Gate.Wait(t.Context(), c.ID); err != nil || c.State != confirm.Applied || c.Target != "simulator" {
		t.Errorf("the change is %s for %s, %v; want applied for the simulator", c.State, c.Target, err)
	}
	if n := len(s.Tenant.Writes()); n != 1 {
		t.Errorf("%d writes arrived, want 1", n)
	}
	if callers := slices.Compact(s.Callers()); !slices.Equal(callers, []string{"token:ada"}) {
		t.Errorf("the tenant was called on behalf of %q", callers)
	}
}

// TestTheClockOfAStackMoves, and a stack without a Gate has no parts of one.
func TestTheClockOfAStackMoves(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	s := toolstest.New(t, toolstest.Options{NoGate: true, Now: func() time.Time { return start }})
	s.Advance(16 * time.Minute)
	if got := s.Now().Sub(start); got != 16*time.Minute {
		t.Errorf("the clock moved %v, want 16m", got)
	}
	if s.Gate != nil || s.Store != nil || s.Dir != "" {
		t.Error("a stack without a Gate has parts of one")
	}
}
