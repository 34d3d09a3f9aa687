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
	signInGoal
}

// signInGoal is what a sign-in is for. The zero value is a sign-in without a context, in a flow that has one end.
type signInGoal struct {
	Return  string `json:"r,omitempty"` // path to go to afterwards; "" where the flow has one end
	Context string `json:"c,omitempty"` // authentication context that the sign-in must satisfy; "" for none
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

// sealer encrypts what a browser keeps in a cookie: the browser can neither make such a value nor read its own.
type sealer struct{ aead cipher.AEAD }

// newSealer returns a sealer for one purpose, with a key derived from the server key.
func newSealer(key []byte, purpose string) (sealer, error) {
	derived, err := deriveKey(key, purpose)
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

// seal returns the encrypted value of a cookie.
func (s sealer) seal(value any) (string, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("seal cookie: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, nil)), nil
}

// open decodes a sealed value into what into points to. It reports false, and into may be incomplete, for any other text.
func (s sealer) open(text string, into any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := s.aead.Open(nil, nil, sealed, nil)
	return err == nil && json.Unmarshal(plain, into) == nil
}

// hostCookie returns a cookie of this host that no script reads; an empty value deletes it. SameSite is Lax, because people
// come from Microsoft's site and from links in Slack. The prefix __Host- keeps other hosts of the same domain from setting
// one.
func hostCookie(name, value string, secure bool) *http.Cookie {
	c := &http.Cookie{
		Name: cookieName(name, secure), Value: value, Path: "/",
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// cookieName returns the whole name of a cookie.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-scanwarden-" + name
	}
	return "scanwarden-" + name
}
