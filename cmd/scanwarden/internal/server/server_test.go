package server

import (
	"errors"
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
