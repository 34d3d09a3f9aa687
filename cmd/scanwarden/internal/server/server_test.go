package server

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender/entra/entratest"
	"scanwarden/tools/mcpserver/auth"
)

// TestAgentsCannotUseTheirUsersSignIn, even while it is held. (Over MCP an agent cannot even read, so that its plan is
// refused before.)
func TestAgentsCannotUseTheirUsersSignIn(t *testing.T) {
	t.Parallel()
	const ada = confirm.Principal("entra:" + entratest.Tenant + "/aaaaaaaa-0000-0000-0000-000000000001")
	b := &Builder{users: &userTokens{}}
	b.users.add(auth.Caller{Principal: ada}, "her token", time.Now().Add(time.Hour))
	if err := b.canExecute(t.Context(), confirm.Change{Requester: ada}); err != nil {
		t.Errorf("Ada's own: %v", err)
	}
	if err := b.canExecute(t.Context(), confirm.Change{Requester: ada, Agent: true}); !errors.Is(err, errAgentHasNoToken) {
		t.Errorf("her agent's: %v", err)
	}
}

// TestOnlyTheHolderExecutes: a process without what an approver has typed leaves the change, and forgets it with its end.
func TestOnlyTheHolderExecutes(t *testing.T) {
	t.Parallel()
	c := confirm.Change{ID: "a", Digest: "d", State: confirm.Approved, Expires: time.Now().Add(time.Hour)}
	c.Request.Body = json.RawMessage(`{"scanAuthenticationParams":{"@odata.type":"#microsoft.windowsDefenderATP.api.SnmpAuthParams","type":"CommunityString","credential":"ask"}}`)
	b := &Builder{metrics: newMetrics(), log: slog.New(slog.DiscardHandler)}
	if err := b.canExecute(t.Context(), c); err == nil || !strings.Contains(err.Error(), "is not held here") {
		t.Errorf("without it: %v", err)
	}
	if _, err := b.typed.Hold(c, map[string]string{"communityString": "x"}); err != nil {
		t.Fatal(err)
	}
	if err := b.canExecute(t.Context(), c); err != nil {
		t.Errorf("with it: %v", err)
	}
	c.State = confirm.Withdrawn
	if b.onTransition(c); b.typed.Len() != 0 {
		t.Error("it outlives the change")
	}
	if err := b.canExecute(t.Context(), confirm.Change{}); err != nil {
		t.Errorf("a change without: %v", err)
	}
}
