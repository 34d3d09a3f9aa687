package doctor

import (
	"testing"
)

// TestSplitAdvice: the forms of our sentences, and what looks like one of them.
func TestSplitAdvice(t *testing.T) {
	t.Parallel()
	for sentence, want := range map[string][2]string{
		"the token is short; make one with `openssl rand -hex 32`":                                   {"the token is short", "Make one with `openssl rand -hex 32`."},
		"sign-in failed (AADSTS90033): Entra ID has a passing fault: wait a minute; try again in 5s": {"sign-in failed (AADSTS90033): Entra ID has a passing fault", "Wait a minute; try again in 5s."},
		"open ledger: read /x: is a directory":                                                       {"open ledger: read /x: is a directory", ""},
		"no caller could be authenticated: set X to entra, or to none":                               {"no caller could be authenticated", "Set X to entra, or to none."},
		"secret file: open /run/token: no such file or directory":                                    {"secret file: open /run/token: no such file or directory", ""},
		"the vault said: settings are missing":                                                       {"the vault said: settings are missing", ""},
	} {
		says, next := splitAdvice(sentence)
		if got := [2]string{says, next}; got != want {
			t.Errorf("%q: got %q, want %q", sentence, got, want)
		}
	}
}
