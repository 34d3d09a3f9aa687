package confirm

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"slices"
	"strings"
)

// minKeyLen is the minimum length of Config.Key in bytes.
const minKeyLen = 32

// Labels that separate the keys which are derived from the server key, and the records that one key authenticates.
const (
	labelMAC      = "scanwarden ledger record v1"
	labelKeyID    = "scanwarden ledger key id v1"
	labelProposal = "proposal v1"
	labelDecision = "decision v1"
	labelOutcome  = "outcome v1"
	labelLink     = "link v1"
)

// keyIDLen is the length of a key id in bytes, before it is encoded.
const keyIDLen = 6

// recordMAC computes and verifies the MACs of proposals, decisions, outcomes and links. A MAC is
//
//	key id "." HMAC-SHA256 over the label and the fields of the record, each prefixed by its length
//
// in base64url. The key id only explains a failure: records of a server with another key look like altered ones.
type recordMAC struct {
	key []byte
	id  string
}

// newRecordMAC returns a recordMAC with keys derived from the server key. A server key that is too short is replaced by
// a random one: then nothing that another process recorded verifies.
func newRecordMAC(serverKey []byte) recordMAC {
	if len(serverKey) < minKeyLen {
		serverKey = make([]byte, minKeyLen)
		rand.Read(serverKey) // never fails, see crypto/rand
	}
	return recordMAC{
		key: expandKey(serverKey, labelMAC, sha256.Size),
		id:  base64.RawURLEncoding.EncodeToString(expandKey(serverKey, labelKeyID, keyIDLen)),
	}
}

// expandKey returns size bytes derived from the server key for one purpose.
func expandKey(serverKey []byte, label string, size int) []byte {
	key, err := hkdf.Expand(sha256.New, serverKey, label, size)
	if err != nil {
		panic(err) // only for a size beyond 255 hashes
	}
	return key
}

// ProposalMAC returns the Change.MAC of a new change. Gate.Propose sets it; only a program that fills a ledger without a
// Gate, such as a test, needs this function.
func ProposalMAC(serverKey []byte, c Change) string { return newRecordMAC(serverKey).proposal(c) }

// Why a record does not verify.
var (
	errNoMAC    = errors.New("it has no MAC: an earlier version of scanwarden recorded it, or the MAC was removed")
	errOtherKey = errors.New("it was recorded with another server key: servers that share a ledger must have the same server.key")
	errWrongMAC = errors.New("it is not what scanwarden recorded: the ledger was altered")
)

// check returns nil if got is the MAC want. It takes the same time for every wrong MAC of our key.
func (m recordMAC) check(got, want string) error {
	id, _, _ := strings.Cut(got, ".")
	switch {
	case got == "":
		return errNoMAC
	case hmac.Equal([]byte(got), []byte(want)):
		return nil
	case id != m.id:
		return errOtherKey
	}
	return errWrongMAC
}

// proposal returns the MAC of everything about c that is fixed when it is proposed. The digest binds the rest.
func (m recordMAC) proposal(c Change) string {
	f := m.fields(labelProposal)
	f.text(c.ID, c.Digest, c.Code, string(c.Requester), c.Source)
	f.list(principalTexts(c.RequesterAlso))
	f.flag(c.Agent, c.Local)
	f.list(channelTexts(c.Channels))
	f.number(int64(c.Needed), c.Created.UnixMicro(), c.Expires.UnixMicro())
	return f.sum()
}

// decision returns the MAC of a decision on c.
func (m recordMAC) decision(c Change, d Decision) string {
	f := m.fields(labelDecision)
	f.text(c.ID, c.Digest, string(d.Principal), d.Person, d.Name, d.Reason, string(d.Channel))
	f.list(principalTexts(d.Also))
	f.list(d.Groups)
	f.flag(d.Approve)
	f.number(d.At.UnixNano())
	if len(d.Contexts) > 0 { // a decision without one has the MAC that earlier versions gave it
		f.number(int64(len(d.Contexts)))
	}
	for _, a := range d.Contexts {
		f.text(a.ID)
		f.number(a.At.UnixNano())
	}
	return f.sum()
}

// link returns the MAC of a link.
func (m recordMAC) link(l Link) string {
	f := m.fields(labelLink)
	f.text(string(l.From), string(l.To), l.Name, l.How)
	f.number(l.At.UnixMicro())
	return f.sum()
}

// fieldMAC is one MAC that is being computed.
type fieldMAC struct {
	hash.Hash
	id string
}

func (m recordMAC) fields(label string) fieldMAC {
	f := fieldMAC{hmac.New(sha256.New, m.key), m.id}
	f.text(label)
	return f
}

func (f fieldMAC) text(values ...string) {
	for _, v := range values {
		f.number(int64(len(v)))
		f.Write([]byte(v))
	}
}

func (f fieldMAC) list(values []string) {
	f.number(int64(len(values)))
	f.text(values...)
}

func (f fieldMAC) number(values ...int64) {
	for _, v := range values {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(v))
		f.Write(b[:])
	}
}

func (f fieldMAC) flag(values ...bool) {
	for _, v := range values {
		var n int64
		if v {
			n = 1
		}
		f.number(n)
	}
}

func (f fieldMAC) sum() string {
	return f.id + "." + base64.RawURLEncoding.EncodeToString(f.Sum(nil))
}

func principalTexts(principals []Principal) []string {
	texts := make([]string, len(principals))
	for i, p := range principals {
		texts[i] = string(p)
	}
	return texts
}

func channelTexts(channels []Channel) []string {
	texts := make([]string, len(channels))
	for i, c := range channels {
		texts[i] = string(c)
	}
	return texts
}

// LinkSetHash returns the SHA-256 of the links that have a MAC, in base64url and in any order, or "" if there are none.
// The signed head of the audit log has this hash, so that a link cannot be removed or put back without an entry.
func LinkSetHash(links []Link) string {
	var rows []string
	for _, l := range links {
		if l.MAC != "" {
			rows = append(rows, string(l.From)+"\x00"+string(l.To)+"\x00"+l.MAC+"\x00")
		}
	}
	if len(rows) == 0 {
		return ""
	}
	slices.Sort(rows)
	sum := sha256.Sum256([]byte(strings.Join(rows, "")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
