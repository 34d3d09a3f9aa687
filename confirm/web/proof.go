package web

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"scanwarden/confirm"
)

const (
	// proofTTL bounds the time from the page to the Slack command.
	proofTTL = 10 * time.Minute
	// keyBytes is the minimum length of the server key, from which all keys here are derived.
	keyBytes = 32

	guidBytes   = 16
	expiryBytes = 4
	macBytes    = 16
	maxNameLen  = 40 // bytes
	fixedBytes  = 2*guidBytes + expiryBytes + macBytes
)

// Proofs makes and opens the proofs that the link page shows. A proof is the base 32 encoding, without padding, of
//
//	tenant GUID (16 bytes), object GUID (16), expiry in Unix seconds (4), name (0 to 40), HMAC-SHA256 cut to 16
//
// It has letters and digits only, because Slack's composer replaces dashes and underscores. No proof is stored.
// The zero value makes and opens none.
type Proofs struct{ key []byte }

// NewProofs returns Proofs with a key derived from the server key of 32 bytes. A shorter key gives the zero value.
func NewProofs(key []byte) Proofs {
	derived, err := deriveKey(key, "scanwarden link proof v1")
	if err != nil {
		return Proofs{}
	}
	return Proofs{key: derived}
}

// deriveKey returns a key of 32 bytes, derived from the server key for one purpose. Two purposes get unrelated keys, so
// a value sealed for one is not valid for the other. It returns an error if key is shorter than keyBytes.
func deriveKey(key []byte, purpose string) ([]byte, error) {
	if len(key) < keyBytes {
		return nil, fmt.Errorf("the server key has %d bytes and needs %d", len(key), keyBytes)
	}
	return hkdf.Expand(sha256.New, key, purpose, sha256.Size)
}

var (
	errInvalidProof = errors.New("this is not a proof from this server, or a part of it is missing; open the link page again and copy the whole command")
	errExpiredProof = errors.New("this proof is too old; open the link page again and send the new command within ten minutes")
)

// Make returns a proof that u signed in, valid for ten minutes. It returns an error unless u.Principal is
// "entra:TENANT/OBJECT" with two GUIDs.
func (p Proofs) Make(u User, now time.Time) (string, error) {
	if len(p.key) == 0 {
		return "", errors.New("make proof: there is no key")
	}
	body, err := appendPrincipal(make([]byte, 0, fixedBytes+maxNameLen), u.Principal)
	if err != nil {
		return "", fmt.Errorf("make proof: %w", err)
	}
	body = binary.BigEndian.AppendUint32(body, uint32(now.Add(proofTTL).Unix())) // until the year 2106
	body = append(body, printableName(u.Name)...)
	return base32Text().EncodeToString(append(body, p.computeMAC(body)...)), nil
}

// Open returns the user that the proof is about. The error is one sentence on what to do with a proof that is
// expired, altered or from another server.
func (p Proofs) Open(text string, now time.Time) (User, error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	raw, err := base32Text().DecodeString(text)
	// Encoding it again refuses other spellings of the same bytes.
	if err != nil || len(p.key) == 0 || len(raw) < fixedBytes || base32Text().EncodeToString(raw) != text {
		return User{}, errInvalidProof
	}
	body, mac := raw[:len(raw)-macBytes], raw[len(raw)-macBytes:]
	if !hmac.Equal(mac, p.computeMAC(body)) {
		return User{}, errInvalidProof
	}
	identity, expiry, name := body[:2*guidBytes], body[2*guidBytes:], body[2*guidBytes+expiryBytes:]
	if now.Unix() >= int64(binary.BigEndian.Uint32(expiry)) {
		return User{}, errExpiredProof
	}
	return User{Principal: decodePrincipal(identity), Name: string(name)}, nil
}

func (p Proofs) computeMAC(body []byte) []byte {
	h := hmac.New(sha256.New, p.key)
	h.Write(body)
	return h.Sum(nil)[:macBytes]
}

func base32Text() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// appendPrincipal appends the tenant and the object of an Entra principal, 16 bytes each.
func appendPrincipal(to []byte, of confirm.Principal) ([]byte, error) {
	ids, isEntra := strings.CutPrefix(string(of), "entra:")
	tenant, object, isPair := strings.Cut(ids, "/")
	if !isEntra || !isPair {
		return nil, fmt.Errorf("%q is not entra:TENANT/OBJECT", of)
	}
	for _, guid := range []string{tenant, object} {
		raw, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
		if err != nil || len(raw) != guidBytes || !strings.EqualFold(guid, formatGUID(raw)) {
			return nil, fmt.Errorf("%q is not a GUID", guid)
		}
		to = append(to, raw...)
	}
	return to, nil
}

// decodePrincipal returns the principal that appendPrincipal has encoded.
func decodePrincipal(identity []byte) confirm.Principal {
	return confirm.Principal("entra:" + formatGUID(identity[:guidBytes]) + "/" + formatGUID(identity[guidBytes:]))
}

func formatGUID(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// printableName returns the name without invisible characters, cut to at most 40 bytes.
func printableName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	name = name[:min(len(name), maxNameLen)]
	for !utf8.ValidString(name) { // cut within a character
		name = name[:len(name)-1]
	}
	return strings.TrimSpace(name)
}
