package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
)

func TestCallersAreHeldForAWhile(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	held := &callers{now: func() time.Time { return now }}
	ada := auth.Caller{Principal: "entra:t/ada"}
	held.verified(ada, "token of ada", now.Add(time.Hour))
	held.verified(auth.Caller{Principal: "entra:t/bob", Agent: true}, "token of an agent", now.Add(time.Hour))
	if text, err := held.assertion(ada.Principal); err != nil || text != "token of ada" {
		t.Errorf("%q, %v", text, err)
	}
	for principal, says := range map[confirm.Principal]string{
		"": "nobody has called", "slack:T/U": "has no Entra sign-in here", "entra:t/bob": "not held here any more",
	} {
		if _, err := held.assertion(principal); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", principal, err, says)
		}
	}
	now = now.Add(time.Hour + keptAfterwards)
	if _, err := held.assertion(ada.Principal); err == nil {
		t.Error("a token is held for ever")
	}
	held.verified(auth.Caller{Principal: "entra:t/cleo"}, "token of cleo", now.Add(time.Hour))
	if len(held.held) != 1 {
		t.Errorf("%d tokens are held, want the live one alone", len(held.held))
	}
}

// TestCallersAreBounded: when all places are taken, those who are known still renew theirs.
func TestCallersAreBounded(t *testing.T) {
	held := &callers{}
	soon := time.Now().Add(time.Hour)
	for i := range mostCallers + 1 {
		held.verified(auth.Caller{Principal: confirm.Principal(fmt.Sprint("entra:t/", i))}, "first", soon)
	}
	if _, err := held.assertion(confirm.Principal(fmt.Sprint("entra:t/", mostCallers))); err == nil || len(held.held) != mostCallers {
		t.Errorf("%d are held", len(held.held))
	}
	held.verified(auth.Caller{Principal: "entra:t/0"}, "second", soon)
	if text, err := held.assertion("entra:t/0"); err != nil || text != "second" {
		t.Errorf("a known caller's new token: %q, %v", text, err)
	}
}
