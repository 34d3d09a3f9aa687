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

// sealingKeys are derived from the server key, one for each purpose, so that a seal for one purpose is not valid
// for another.
type sealingKeys struct {
	state   []byte // requestState
	session []byte // session ids
}

// deriveKeys returns the keys derived from the server key, or an error if it cannot be read or is too short.
func deriveKeys(key func() ([]byte, error)) (sealingKeys, error) {
	secret, err := key()
	if err != nil {
		return sealingKeys{}, fmt.Errorf("server key: %w", err)
	}
	if len(secret) < 32 {
		return sealingKeys{}, errors.New("server key: it must have at least 32 bytes")
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

// statePayload is the content of a requestState: a change, the round and time of its prompt, and the time of the first call. It contains nothing secret,
// because the client carries it and can read it. It has no expiry of its own: the Gate knows when the change
// expires and reports that to a late answer.
type statePayload struct {
	Change string `json:"c"`
	Round  int    `json:"r"`
	Asked  int64  `json:"t"`           // when the prompt was sent, in Unix milliseconds
	Began  int64  `json:"b"`           // when the first call began, in Unix milliseconds
	Page   bool   `json:"p,omitempty"` // the client was given the address of a page, and not a form
}

// stateBinding is covered by the seal of a requestState and not contained in it: the answer must come from the same
// caller, for the same tool and arguments.
type stateBinding struct {
	principal string
	tool      string
	arguments [sha256.Size]byte
}

// errInvalidState is the same for every fault of a requestState, so that a forger learns nothing.
var errInvalidState = errors.New("this answer does not belong to this call: requestState was altered, or was issued for another caller, tool or arguments; nothing was changed; call the tool again without it")

// sealState returns base64url(payload) "." base64url(HMAC-SHA256 over payload and binding).
func sealState(key []byte, p statePayload, b stateBinding) (string, error) {
	payload, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("seal request state: %w", err)
	}
	return encodeBase64(payload) + "." + encodeBase64(stateMAC(key, payload, b)), nil
}

// openState returns the payload of a requestState that was sealed with this key and binding. Any other requestState
// is errInvalidState.
func openState(key []byte, state string, b stateBinding) (statePayload, error) {
	payload64, mac64, _ := strings.Cut(state, ".")
	payload, err := decodeBase64(payload64)
	if err != nil {
		return statePayload{}, errInvalidState
	}
	mac, err := decodeBase64(mac64)
	if err != nil || !hmac.Equal(mac, stateMAC(key, payload, b)) {
		return statePayload{}, errInvalidState
	}
	var p statePayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return statePayload{}, errInvalidState
	}
	return p, nil
}

// stateMAC returns the HMAC of payload and binding. Each part is preceded by its length, so that parts cannot
// shift.
func stateMAC(key, payload []byte, b stateBinding) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range [][]byte{payload, []byte(b.principal), []byte(b.tool), b.arguments[:]} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		mac.Write(n[:])
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// strictBase64 accepts only one encoding of a value: it refuses others that differ in unused trailing bits.
var strictBase64 = base64.RawURLEncoding.Strict()

func encodeBase64(b []byte) string { return strictBase64.EncodeToString(b) }

// decodeBase64 decodes one strict encoding. It also refuses line breaks, which package base64 ignores.
func decodeBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errInvalidState
	}
	return strictBase64.DecodeString(s)
}
