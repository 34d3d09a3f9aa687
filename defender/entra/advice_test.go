package entra_test

import (
	"strings"
	"testing"

	"scanwarden/defender/entra"
)

// TestEachKnownCodeHasItsAdvice lists, for each code, a phrase that its hint must contain.
func TestEachKnownCodeHasItsAdvice(t *testing.T) {
	words := map[int]string{
		7000215: "Value, not to its Secret ID", 7000222: "has expired", 700027: "upload it",
		70021: "issuer, subject and audience", 700211: "issuer", 700212: "api://AzureADTokenExchange", 700213: "subject",
		700016: "no such app", 90002: "no such tenant", 1002012: "/.default", 500011: "WindowsDefenderATP",
		65001: "Machine.ReadWrite.All", 50105: "assign", 50034: "no such user", 50076: "multi-factor",
		50079: "register", 53004: "finish", 50158: "conditional access", 53003: "policy", 530003: "managed device",
		50013: "audience or signature", 500131: "another app", 500133: "has expired", 50173: "revoked",
		700082: "unused", 7000218: "public client flows", 700024: "clock", 50020: "guest", 50057: "disabled", 65004: "declined",
		70008: "expired: sign in again", 70043: "more often", 50196: "loop", 90033: "temporary fault",
	}
	codes := map[string]int{}
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		for code, word := range words {
			refused := refusal(400, "invalid_request", code)
			f.ClearFaults()
			f.failNext(refused, refused, refused)
			_, err := getText(t.Context(), s, false)
			if err == nil {
				t.Fatalf("%d: signed in", code)
			}
			problem := err.(*entra.Error)
			wantHint(t, problem, word)
			if strings.Contains(problem.Hint, "look the code up") || codes[problem.Hint] != 0 {
				t.Errorf("%d: %q is not its own advice (but that of %d)", code, problem.Hint, codes[problem.Hint])
			}
			codes[problem.Hint] = code
		}
	})
}
