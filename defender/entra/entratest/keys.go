package entratest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
)

// signingKey is a key of the tenant.
type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

// firstKey returns the given key, or a new one for nil.
func firstKey(given *rsa.PrivateKey) signingKey {
	if given == nil {
		return newSigningKey()
	}
	return asSigningKey(given)
}

func newSigningKey() signingKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("entratest: make a key: " + err.Error()) // only without a source of randomness
	}
	return asSigningKey(key)
}

func asSigningKey(key *rsa.PrivateKey) signingKey {
	sum := sha1.Sum(key.N.Bytes()) // Entra ID's key ids are SHA-1 thumbprints too
	return signingKey{base64.RawURLEncoding.EncodeToString(sum[:]), key}
}

// RotateKey publishes a new key, which signs from now on. The old keys stay published.
func (s *Server) RotateKey() {
	next := newSigningKey()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, next)
}

// RetireKeys removes all published keys except the one that signs.
func (s *Server) RetireKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = s.keys[len(s.keys)-1:]
}

// currentKey returns the key that signs. The caller holds s.mu.
func (s *Server) currentKey() signingKey { return s.keys[len(s.keys)-1] }

// signedByPublishedKey reports whether a published key has signed t under its own id. The caller holds s.mu.
func (s *Server) signedByPublishedKey(t *jws) bool {
	for _, k := range s.keys {
		if k.id == t.header.Kid && t.header.Alg == "RS256" {
			return t.isSignedBy(&k.key.PublicKey)
		}
	}
	return false
}

// A Forgery changes how [Server.Sign] signs.
type Forgery func(*forgery)

type forgery struct {
	header object
	key    signingKey
	sign   func(signed string) []byte
}

// ForeignKey signs with a key that is not the tenant's, under the id of the tenant's key.
func ForeignKey() Forgery {
	return func(f *forgery) {
		foreign := newSigningKey().key
		f.sign = func(signed string) []byte { return signRS256(foreign, signed) }
	}
}

// AlgNone leaves the token unsigned, with alg none (RFC 7519, 6.1).
func AlgNone() Forgery {
	return func(f *forgery) {
		f.header["alg"] = "none"
		f.sign = func(string) []byte { return nil }
	}
}

// PublicKeyAsSecret signs with HS256 and the tenant's public key in PEM as the secret (RFC 8725, 2.1).
func PublicKeyAsSecret() Forgery {
	return func(f *forgery) {
		f.header["alg"] = "HS256"
		f.sign = func(signed string) []byte {
			der, err := x509.MarshalPKIXPublicKey(&f.key.key.PublicKey)
			if err != nil {
				panic("entratest: write the public key: " + err.Error()) // an RSA key can be written
			}
			mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			mac.Write([]byte(signed))
			return mac.Sum(nil)
		}
	}
}

// KeyID sets the key id in the header, independent of the key that signs; "" omits it.
func KeyID(kid string) Forgery {
	return func(f *forgery) {
		f.header["kid"] = kid
		if kid == "" {
			delete(f.header, "kid")
		}
	}
}

// Sign returns a signed token with any claims, RS256 with the tenant's key unless a Forgery changes that. It
// adds no claim. Start from [Server.UserClaims] or [Server.AppClaims] for valid ones.
func (s *Server) Sign(claims map[string]any, how ...Forgery) string {
	s.mu.Lock()
	key := s.currentKey()
	s.mu.Unlock()
	return key.signToken(claims, how...)
}

func (k signingKey) signToken(claims object, how ...Forgery) string {
	f := &forgery{key: k, header: object{"typ": "JWT", "alg": "RS256", "kid": k.id}}
	f.sign = func(signed string) []byte { return signRS256(k.key, signed) }
	for _, change := range how {
		change(f)
	}
	signed := encodePart(f.header) + "." + encodePart(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(f.sign(signed))
}

// Valid returns the claims of a token that the fake could have issued: signed with a published key, for this
// audience and currently valid. Fakes of resource servers behind the program call it.
func (s *Server) Valid(token, audience string) (map[string]any, error) {
	t, err := parseJWS(token)
	if err != nil {
		return nil, fmt.Errorf("check the token: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.currentTime()
	switch {
	case !s.signedByPublishedKey(t):
		return nil, errors.New("check the token: no published key has signed it")
	case t.textClaim("aud") != audience:
		return nil, fmt.Errorf("check the token: it is for %q, not for %q", t.textClaim("aud"), audience)
	case t.isExpired(now):
		return nil, errors.New("check the token: it has expired")
	case !t.hasBegun(now):
		return nil, errors.New("check the token: it is not valid yet")
	case t.textClaim("tid") != s.options.Tenant:
		return nil, fmt.Errorf("check the token: it belongs to the tenant %q", t.textClaim("tid"))
	}
	return t.claims, nil
}
