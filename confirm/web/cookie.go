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

// signInTTL is how long a person may take to sign in.
const signInTTL = 10 * time.Minute

// pendingSignIn is one sign-in that a browser has begun. The browser keeps it itself, sealed, in a cookie. The zero value
// is long over, and nothing answers it.
type pendingSignIn struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // 43 characters, the least that RFC 7636 allows
	Expires  int64  `json:"e"` // Unix seconds
}

func newPendingSignIn(now time.Time) pendingSignIn {
	verifier := make([]byte, 32)
	rand.Read(verifier) // never fails, see crypto/rand
	return pendingSignIn{
		State: rand.Text(), Nonce: rand.Text(), Verifier: base64.RawURLEncoding.EncodeToString(verifier),
		Expires: now.Add(signInTTL).Unix(),
	}
}

// matches reports whether what came back belongs to this attempt.
func (a pendingSignIn) matches(state string, now time.Time) bool {
	return subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1 && now.Unix() < a.Expires
}

// sealer encrypts attempts: a browser can neither make one nor read the verifier of its own.
type sealer struct{ aead cipher.AEAD }

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

func (s sealer) seal(a pendingSignIn) (string, error) {
	plain, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("seal attempt: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, nil)), nil
}

// open returns the attempt that was sealed, and the zero one for anything else.
func (s sealer) open(text string) (a pendingSignIn) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return pendingSignIn{}
	}
	plain, err := s.aead.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(plain, &a) != nil {
		return pendingSignIn{}
	}
	return a
}

// signInCookie is what carries an attempt; "" takes it away. SameSite is Lax, because the browser comes back from
// Microsoft's site. The prefix __Host- keeps other hosts of the same domain from planting one.
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

func cookieName(secure bool) string {
	if secure {
		return "__Host-scanwarden-link"
	}
	return "scanwarden-link"
}
