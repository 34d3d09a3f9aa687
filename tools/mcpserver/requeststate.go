package mcpserver

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// sealingKeys are derived from the one server key, so that no seal can stand in for another.
type sealingKeys struct {
	state   []byte // requestState
	session []byte // session ids
}

func deriveKeys(key func() ([]byte, error)) (sealingKeys, error) {
	secret, err := key()
	if err != nil {
		return sealingKeys{}, fmt.Errorf("server key: %w", err)
	}
	if len(secret) < 32 {
		return sealingKeys{}, errors.New("server key: it must have 32 bytes")
	}
	state, err := hkdf.Expand(sha256.New, secret, "scanwarden request state v1", 32)
	if err != nil {
		return sealingKeys{}, fmt.Errorf("server key: %w", err)
	}
	session, err := hkdf.Expand(sha256.New, secret, "scanwarden session v1", 32)
	if err != nil {
		return sealingKeys{}, fmt.Errorf("server key: %w", err)
	}
	return sealingKeys{state: state, session: session}, nil
}

// statePayload is what a requestState says: which question, of which change. It holds nothing secret; the client
// carries it and may read it. It is good for as long as its change waits: the gate knows when that ends, and an
// answer that comes too late is told so.
type statePayload struct {
	Change string `json:"c"`
	Round  int    `json:"r"`
}

// stateBinding is what a question is bound to without saying it: the answer must come with the very same.
type stateBinding struct {
	principal string
	tool      string
	arguments [sha256.Size]byte
}

// errInvalidState is one sentence for everything that can be wrong with a requestState: a forger learns nothing.
var errInvalidState = errors.New("this answer does not belong to this call: requestState was altered, or was given for another caller, tool or arguments; nothing was changed; call the tool again without it")

// sealState returns base64url(question) "." base64url(HMAC-SHA256 over it and what it is bound to).
func sealState(key []byte, q statePayload, a stateBinding) (string, error) {
	payload, err := json.Marshal(q)
	if err != nil {
		return "", fmt.Errorf("seal request state: %w", err)
	}
	return encodeBase64(payload) + "." + encodeBase64(stateMAC(key, payload, a)), nil
}

// openState returns the question of a requestState that was sealed with this key for this caller and call.
func openState(key []byte, state string, a stateBinding) (statePayload, error) {
	payload64, mac64, _ := strings.Cut(state, ".")
	payload, err := decodeBase64(payload64)
	if err != nil {
		return statePayload{}, errInvalidState
	}
	mac, err := decodeBase64(mac64)
	if err != nil || !hmac.Equal(mac, stateMAC(key, payload, a)) {
		return statePayload{}, errInvalidState
	}
	var q statePayload
	if err := json.Unmarshal(payload, &q); err != nil {
		return statePayload{}, errInvalidState
	}
	return q, nil
}

func stateMAC(key, payload []byte, a stateBinding) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range [][]byte{payload, []byte(a.principal), []byte(a.tool), a.arguments[:]} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		mac.Write(n[:])
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// strictBase64 refuses the encodings of one value that differ only in unused trailing bits: there is one form.
var strictBase64 = base64.RawURLEncoding.Strict()

func encodeBase64(b []byte) string { return strictBase64.EncodeToString(b) }

// decodeBase64 also refuses line breaks, which the base64 package skips.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errInvalidState
	}
	return strictBase64.DecodeString(s)
}
