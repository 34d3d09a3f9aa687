package confirm

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/oklog/ulid/v2"
)

// State is where a change stands. The zero value is not a state.
//
//	pending --yes from enough people--> approved --claim--> executing --> applied | failed | unknown
//	   |--one no--> denied                 |--live state moved--> stale
//	   |--time--> expired     |--requester--> withdrawn
type State string

// The states of a change. Applied, Failed, Denied, Expired, Withdrawn and Stale are final;
// Unknown is final for the caller but may still be settled by reading Defender.
const (
	Pending   State = "pending"
	Approved  State = "approved"
	Executing State = "executing"
	Applied   State = "applied"
	Failed    State = "failed"
	Unknown   State = "unknown"
	Denied    State = "denied"
	Expired   State = "expired"
	Withdrawn State = "withdrawn"
	Stale     State = "stale"
)

// Open reports whether a change in this state can still lead to a write.
func (s State) Open() bool { return s == Pending || s == Approved || s == Executing }

// Principal names one identity of a person or a client: "slack:TEAM/USER", "entra:TENANT/OBJECT",
// "token:NAME" or "local:USER". It comes from authentication, never from input.
type Principal string

// Channel is a way to put a change to people.
type Channel string

// The channels a change can be confirmed on.
const (
	Client Channel = "client" // the MCP client's own prompt; its answer counts as the requester's
	Slack  Channel = "slack"
)

// Request is the frozen HTTP request to Defender. Its body holds credentials by reference only.
type Request struct {
	Method string          `json:"method"`
	Path   string          `json:"path"` // begins with /api/
	Body   json.RawMessage `json:"body"`
}

// Field is one line of what a person sees: Before is empty for something new, After is empty for
// something that goes away, and both are equal for something that stays.
type Field struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Subject is one scan that a change touches, with every field of it.
type Subject struct {
	Title  string  `json:"title"`
	Fields []Field `json:"fields"`
}

// Proposal is a planned change before anyone is asked: the exact request, and all that a person is
// shown of it. It is plain data and can do nothing by itself.
type Proposal struct {
	Operation string          `json:"operation"` // the tool's name
	Target    string          `json:"target"`    // the tenant it was planned for: no other one may run it
	Summary   string          `json:"summary"`   // one plain sentence
	Request   Request         `json:"request"`
	Subjects  []Subject       `json:"subjects"`
	Warnings  []string        `json:"warnings,omitempty"`
	Snapshot  json.RawMessage `json:"snapshot,omitempty"` // the live state it was planned against
	Facts     Facts           `json:"facts"`              // what it means, for the rules of the policy
}

// Digest is "sha256:" and the hex SHA-256 over every part of the proposal, each prefixed by its length,
// under a domain of its own. Whatever a person was shown, whatever would be sent, and whatever the rules of the
// policy looked at is bound by it.
func (p Proposal) Digest() (string, error) {
	shown, err := json.Marshal(struct {
		Subjects []Subject
		Warnings []string
	}{p.Subjects, p.Warnings})
	if err != nil {
		return "", fmt.Errorf("digest proposal: %w", err)
	}
	domain, facts, err := p.Facts.digestParts()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, part := range append([][]byte{
		[]byte(domain), []byte(p.Operation), []byte(p.Target), []byte(p.Summary),
		[]byte(p.Request.Method), []byte(p.Request.Path), p.Request.Body, shown, p.Snapshot,
	}, facts...) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// The doors through which people and their assistants come. Changes in the ledger have them, and rules compare them.
const (
	SourceStdio = "MCP stdio"
	SourceHTTP  = "MCP HTTP"
	SourceSlack = "Slack"
)

// Sources returns all doors there are.
func Sources() []string { return []string{SourceStdio, SourceHTTP, SourceSlack} }

// Requester is who proposes a change, and through which door. Faces fill it from authentication.
type Requester struct {
	Principal Principal
	Source    string    // one of Doors
	Local     bool      // the person runs this very server on their own stdio
	Groups    []string  // groups of theirs that the face has verified
	Agent     bool      // not a person but an application, or an AI agent acting for one: may ask, never decide
	Channels  []Channel // where this change can be put to people
}

// Decision is one person's yes or no.
type Decision struct {
	Person    string    `json:"person"` // the person's key: several principals of one person share it
	Principal Principal `json:"principal"`
	Name      string    `json:"name,omitempty"`
	Approve   bool      `json:"approve"`
	Reason    string    `json:"reason,omitempty"`
	Channel   Channel   `json:"channel"`
	At        time.Time `json:"at"`
	// Also are the person's other principals, as they were known at the time: a person who is taken apart later
	// still had one voice.
	Also []Principal `json:"also,omitempty"`
}

// Outcome is how a change ended, in words for people and models. Its zero value means "not yet".
type Outcome struct {
	State      State           `json:"state,omitempty"`
	Reason     string          `json:"reason,omitempty"`
	Next       string          `json:"next,omitempty"`  // one sentence on what to do
	Scans      json.RawMessage `json:"scans,omitempty"` // what Defender returned, redacted
	CreatedIDs []string        `json:"made,omitempty"`  // the ids of what this change has made, and no other
}

// Change is a proposal that is kept, and all that has happened to it.
type Change struct {
	ID   string // ULID
	Code string // the same on every surface; for people's eyes only
	Proposal
	Digest    string
	Requester Principal
	// RequesterAlso are the requester's other principals, as they were known when they asked: who is taken apart
	// later may still not confirm their own change by another name.
	RequesterAlso []Principal
	Source        string
	Local         bool
	Agent         bool // the requester is no person
	Channels      []Channel
	Created       time.Time
	Expires       time.Time
	State         State
	Version       int64 // counts every move: the compare-and-set guard
	Round         int   // counts how often the requester's own client was asked for the code
	Needed        int   // how many distinct people must say yes
	Decisions     []Decision
	Outcome       Outcome
	Owner         string    // which process executes it
	Lease         time.Time // until when that process is believed to live
	Updated       time.Time // when it last moved
}

// Approvals counts the distinct people who said yes, as they were known at the time.
func (c Change) Approvals() int {
	people := map[string]bool{}
	for _, d := range c.Decisions {
		if d.Approve {
			people[d.Person] = true
		}
	}
	return len(people)
}

// requestedByAgent reports whether an agent asked for it under this very principal. Another name of the same person is no
// agent's.
func (c Change) requestedByAgent(by Principal) bool { return c.Agent && c.Requester == by }

// codeLetters has no characters that look alike: no 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V.
const codeLetters = "ACDEFGHJKMNPQRTUWXY34679"

// codeLength gives 24^5, about eight million codes; three wrong ones deny a change.
const codeLength = 5

func newCode() string {
	code := make([]byte, 0, codeLength)
	for buf := make([]byte, 1); len(code) < codeLength; {
		rand.Read(buf) // never fails, see crypto/rand
		if n := int(buf[0]); n < 256/len(codeLetters)*len(codeLetters) {
			code = append(code, codeLetters[n%len(codeLetters)])
		}
	}
	return string(code)
}

func newID(now time.Time, entropy io.Reader) (string, error) {
	id, err := ulid.New(ulid.Timestamp(now), entropy)
	if err != nil {
		return "", fmt.Errorf("new change id: %w", err)
	}
	return id.String(), nil
}
