package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
)

func TestUserTokensExpire(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	held := &userTokens{now: func() time.Time { return now }}
	ada := auth.Caller{Principal: "entra:t/ada"}
	held.add(ada, "token of ada", now.Add(time.Hour))
	held.add(auth.Caller{Principal: "entra:t/bob", Agent: true}, "token of an agent", now.Add(time.Hour))
	if text, err := held.get(ada.Principal); err != nil || text != "token of ada" {
		t.Errorf("%q, %v", text, err)
	}
	for principal, says := range map[confirm.Principal]string{
		"": "no user is known", "slack:T/U": "has no Entra sign-in here", "entra:t/bob": "no longer held here",
	} {
		if _, err := held.get(principal); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", principal, err, says)
		}
	}
	now = now.Add(time.Hour + tokenGrace)
	if _, err := held.get(ada.Principal); err == nil {
		t.Error("a token is held for ever")
	}
	held.add(auth.Caller{Principal: "entra:t/cleo"}, "token of cleo", now.Add(time.Hour))
	if len(held.tokens) != 1 {
		t.Errorf("%d tokens are held, want the live one alone", len(held.tokens))
	}
}

// TestUserTokensAreBounded: when all places are taken, known users still renew their tokens.
func TestUserTokensAreBounded(t *testing.T) {
	t.Parallel()
	held := &userTokens{}
	soon := time.Now().Add(time.Hour)
	for i := range maxUserTokens + 1 {
		held.add(auth.Caller{Principal: confirm.Principal(fmt.Sprint("entra:t/", i))}, "first", soon)
	}
	if _, err := held.get(confirm.Principal(fmt.Sprint("entra:t/", maxUserTokens))); err == nil || len(held.tokens) != maxUserTokens {
		t.Errorf("%d are held", len(held.tokens))
	}
	held.add(auth.Caller{Principal: "entra:t/0"}, "second", soon)
	if text, err := held.get("entra:t/0"); err != nil || text != "second" {
		t.Errorf("a known caller's new token: %q, %v", text, err)
	}
}
