package entratest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// jws is a signed token, decoded but not verified.
type jws struct {
	header            jwsHeader
	claims            object
	signed, signature []byte
}

type jwsHeader struct {
	Alg     string `json:"alg"`
	Kid     string `json:"kid"`
	X5t     string `json:"x5t"`      // SHA-1 of the certificate
	X5tS256 string `json:"x5t#S256"` // SHA-256 of it
}

var errNotJWT = errors.New("it is not a signed JWT of three parts")

func parseJWS(token string) (*jws, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errNotJWT
	}
	var t jws
	for i, into := range []any{&t.header, &t.claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(data, into) != nil {
			return nil, errNotJWT
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || t.claims == nil {
		return nil, errNotJWT
	}
	t.signed, t.signature = []byte(parts[0]+"."+parts[1]), signature
	return &t, nil
}

// isSignedBy reports whether key has signed the token, with RS256 or PS256.
func (t *jws) isSignedBy(key *rsa.PublicKey) bool {
	sum := sha256.Sum256(t.signed)
	switch t.header.Alg {
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], t.signature) == nil
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], t.signature, nil) == nil
	}
	return false
}

func (t *jws) textClaim(claim string) string {
	text, _ := t.claims[claim].(string)
	return text
}

// hasBegun reports whether the token's nbf has passed, with Entra ID's tolerance of five minutes. A token
// without nbf has not begun.
func (t *jws) hasBegun(now time.Time) bool {
	nbf, ok := t.claims["nbf"].(float64)
	return ok && !now.Add(5*time.Minute).Before(time.Unix(int64(nbf), 0))
}

// isExpired reports whether the token's exp has passed, without tolerance. A token without exp is expired.
func (t *jws) isExpired(now time.Time) bool {
	exp, ok := t.claims["exp"].(float64)
	return !ok || !now.Before(time.Unix(int64(exp), 0))
}

func encodePart(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic("entratest: encode claims as JSON: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// signRS256 returns the signature of signed.
func signRS256(key *rsa.PrivateKey, signed string) []byte {
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic("entratest: sign: " + err.Error()) // a key of 2048 bits has room for a SHA-256
	}
	return signature
}
