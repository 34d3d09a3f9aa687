package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// signInTTL bounds the time from the start to the end of a sign-in.
const signInTTL = 10 * time.Minute

// pendingSignIn is a sign-in that a browser has begun. The browser stores it, sealed, in a cookie. The zero value
// has expired and matches no state.
type pendingSignIn struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // 43 characters, the minimum of RFC 7636
	Expires  int64  `json:"e"` // Unix seconds
}

// newPendingSignIn returns a sign-in with random values.
func newPendingSignIn(now time.Time) pendingSignIn {
	verifier := make([]byte, 32)
	rand.Read(verifier) // never fails, see crypto/rand
	return pendingSignIn{
		State: rand.Text(), Nonce: rand.Text(), Verifier: base64.RawURLEncoding.EncodeToString(verifier),
		Expires: now.Add(signInTTL).Unix(),
	}
}

// matches reports whether the returned state belongs to this sign-in, which has not expired.
func (p pendingSignIn) matches(state string, now time.Time) bool {
	return subtle.ConstantTimeCompare([]byte(p.State), []byte(state)) == 1 && now.Unix() < p.Expires
}

// sealer encrypts pending sign-ins: a browser can neither make one nor read the verifier in its own.
type sealer struct{ aead cipher.AEAD }

// newSealer returns a sealer with a key derived from the server key.
func newSealer(key []byte) (sealer, error) {
	derived, err := deriveKey(key, "scanwarden link attempt v1")
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return sealer{}, fmt.Errorf("make cipher: %w", err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("make cipher: %w", err)
	}
	return sealer{box}, nil
}

// seal returns the encrypted value of the cookie.
func (s sealer) seal(p pendingSignIn) (string, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("seal attempt: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, nil)), nil
}

// open returns the sealed sign-in, or the zero value for any other text.
func (s sealer) open(text string) (p pendingSignIn) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return pendingSignIn{}
	}
	plain, err := s.aead.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(plain, &p) != nil {
		return pendingSignIn{}
	}
	return p
}

// signInCookie returns the cookie that holds a pending sign-in; an empty value deletes it. SameSite is Lax,
// because the browser returns from Microsoft's site.
func signInCookie(secure bool, value string) *http.Cookie {
	c := &http.Cookie{
		Name: cookieName(secure), Value: value, Path: "/", MaxAge: int(signInTTL.Seconds()),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// cookieName returns the name of the cookie. The prefix __Host- keeps other hosts of the same domain from setting
// one.
func cookieName(secure bool) string {
	if secure {
		return "__Host-scanwarden-link"
	}
	return "scanwarden-link"
}
