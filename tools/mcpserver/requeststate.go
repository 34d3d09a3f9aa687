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

// keys are derived from the one server key, so that no seal can stand in for another.
type keys struct {
	state   []byte // requestState
	session []byte // session ids
}

func deriveKeys(key func() ([]byte, error)) (keys, error) {
	secret, err := key()
	if err != nil {
		return keys{}, fmt.Errorf("server key: %w", err)
	}
	if len(secret) < 32 {
		return keys{}, errors.New("server key: it must have 32 bytes")
	}
	state, err := hkdf.Expand(sha256.New, secret, "scanwarden request state v1", 32)
	if err != nil {
		return keys{}, fmt.Errorf("server key: %w", err)
	}
	session, err := hkdf.Expand(sha256.New, secret, "scanwarden session v1", 32)
	if err != nil {
		return keys{}, fmt.Errorf("server key: %w", err)
	}
	return keys{state: state, session: session}, nil
}

// question is what a requestState says: which question, of which change. It holds nothing secret; the client
// carries it and may read it. It is good for as long as its change waits: the gate knows when that ends, and an
// answer that comes too late is told so.
type question struct {
	Change string `json:"c"`
	Round  int    `json:"r"`
}

// asked is what a question is bound to without saying it: the answer must come with the very same.
type asked struct {
	principal string
	tool      string
	arguments [sha256.Size]byte
}

// errForeignState is one sentence for everything that can be wrong with a requestState: a forger learns nothing.
var errForeignState = errors.New("this answer does not belong to this call: requestState was altered, or was given for another caller, tool or arguments; nothing was changed; call the tool again without it")

// seal returns base64url(question) "." base64url(HMAC-SHA256 over it and what it is bound to).
func seal(key []byte, q question, a asked) (string, error) {
	payload, err := json.Marshal(q)
	if err != nil {
		return "", fmt.Errorf("seal request state: %w", err)
	}
	return encode(payload) + "." + encode(stateMAC(key, payload, a)), nil
}

// open returns the question of a requestState that was sealed with this key for this caller and call.
func open(key []byte, state string, a asked) (question, error) {
	payload64, mac64, _ := strings.Cut(state, ".")
	payload, err := decode(payload64)
	if err != nil {
		return question{}, errForeignState
	}
	mac, err := decode(mac64)
	if err != nil || !hmac.Equal(mac, stateMAC(key, payload, a)) {
		return question{}, errForeignState
	}
	var q question
	if err := json.Unmarshal(payload, &q); err != nil {
		return question{}, errForeignState
	}
	return q, nil
}

func stateMAC(key, payload []byte, a asked) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range [][]byte{payload, []byte(a.principal), []byte(a.tool), a.arguments[:]} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		mac.Write(n[:])
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// strict refuses the encodings of one value that differ only in unused trailing bits: there is one form.
var strict = base64.RawURLEncoding.Strict()

func encode(b []byte) string { return strict.EncodeToString(b) }

// decode also refuses line breaks, which the base64 package skips.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errForeignState
	}
	return strict.DecodeString(s)
}
