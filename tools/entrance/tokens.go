package entrance

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"scanwarden/confirm"
)

// Tokens admits bearer tokens, known by their SHA-256 sums, by whom they stand for.
func Tokens(sums map[confirm.Principal][sha256.Size]byte) Keeper { return tokens(sums) }

type tokens map[confirm.Principal][sha256.Size]byte

func (t tokens) Admit(r *http.Request, _ []byte) (Caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	var who confirm.Principal
	for principal, want := range t { // all of them, so that time tells nothing
		if subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
			who = principal
		}
	}
	if who == "" || !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, &Denial{
			Status: http.StatusUnauthorized, Challenge: `Bearer realm="scanwarden"`,
			Reason: "send the token of this server as `Authorization: Bearer TOKEN`",
		}
	}
	return Caller{Principal: who}, nil
}

// Anyone admits everybody as one principal.
func Anyone(p confirm.Principal) Keeper { return anyone(p) }

type anyone confirm.Principal

func (a anyone) Admit(*http.Request, []byte) (Caller, error) {
	return Caller{Principal: confirm.Principal(a)}, nil
}
