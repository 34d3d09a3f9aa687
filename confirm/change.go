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

// State is the state of a change. The zero value is not a state. The package comment shows the transitions.
type State string

// The states of a change. Applied, Failed, Denied, Expired, Withdrawn and Stale are final.
// Unknown ends Gate.Wait, but recovery may still replace it with Applied or Failed after reading Defender.
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

// Principal names one account of a person or an application: "slack:TEAM/USER", "entra:TENANT/OBJECT",
// "token:NAME" or "local:USER". It comes from authentication, never from input.
type Principal string

// Channel is a place where approvers are asked to confirm a change.
type Channel string

// The channels on which a change can be confirmed.
const (
	Client   Channel = "client" // the MCP client's own prompt; its answer counts as the requester's
	Slack    Channel = "slack"
	WebPage  Channel = "page"     // a web page: of this server after a sign-in, or of the user's own stdio server
	Terminal Channel = "terminal" // the command `scanwarden review`, used by the local user
)

// Request is the frozen HTTP request to Defender. Its body holds references to credentials, never their values.
type Request struct {
	Method string          `json:"method"`
	Path   string          `json:"path"` // begins with /api/
	Body   json.RawMessage `json:"body"`
}

// Field is one value of a scan as approvers see it. Before is empty for a value that is added, After is empty for
// one that is removed, and both are equal for one that stays.
type Field struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Subject is one scan that a change touches, with all its fields.
type Subject struct {
	Title  string  `json:"title"`
	Fields []Field `json:"fields"`
}

// Proposal is a planned change before it is kept: the exact request, and everything that approvers are shown of it.
// It is plain data without behavior of its own.
type Proposal struct {
	Operation string          `json:"operation"` // the tool's name
	Target    string          `json:"target"`    // the tenant it was planned for: it must not run in another one
	Summary   string          `json:"summary"`   // one plain sentence
	Request   Request         `json:"request"`
	Subjects  []Subject       `json:"subjects"`
	Warnings  []string        `json:"warnings,omitempty"`
	Snapshot  json.RawMessage `json:"snapshot,omitempty"` // the live state it was planned against
	Facts     Facts           `json:"facts"`              // what it means, for the policy's rules
	// Keys name what it writes. Two changes with a common key are never in execution at once. Empty means the path of
	// the request alone, as for a change that an earlier version planned.
	Keys []string `json:"keys,omitempty"`
}

// Digest returns "sha256:" and the hex SHA-256 over every part of the proposal, each prefixed by its length, after a
// domain string. It binds what approvers were shown, what would be sent, and what the policy's rules evaluated.
func (p Proposal) Digest() (string, error) {
	shown, err := json.Marshal(struct {
		Subjects []Subject
		Warnings []string
	}{p.Subjects, p.Warnings})
	if err != nil {
		return "", fmt.Errorf("digest proposal: %w", err)
	}
	domain, later, err := p.digestParts()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, part := range append([][]byte{
		[]byte(domain), []byte(p.Operation), []byte(p.Target), []byte(p.Summary),
		[]byte(p.Request.Method), []byte(p.Request.Path), p.Request.Body, shown, p.Snapshot,
	}, later...) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// The sources: the interfaces through which a change can be requested. Changes in the ledger hold these values, and
// rules compare with them.
const (
	SourceStdio = "MCP stdio"
	SourceHTTP  = "MCP HTTP"
	SourceSlack = "Slack"
)

// Sources returns all sources.
func Sources() []string { return []string{SourceStdio, SourceHTTP, SourceSlack} }

// Requester describes the caller that proposes a change. Interfaces fill it from authentication.
type Requester struct {
	Principal Principal
	Source    string    // one of Sources
	Local     bool      // the caller runs this server on their own stdio
	Groups    []string  // the caller's groups that the interface has verified
	Agent     bool      // an application, or an AI agent that acts for a person: it may propose, never approve
	Channels  []Channel // where approvers can be asked about this change
	Fallback  []Channel // channels that are used as well where no answer on Channels could confirm the change; nil means none
}

// Decision is the recorded approval or denial of one person.
type Decision struct {
	Person    string    `json:"person"` // Person.key: all principals of one person share it
	Principal Principal `json:"principal"`
	Name      string    `json:"name,omitempty"`
	Approve   bool      `json:"approve"`
	Reason    string    `json:"reason,omitempty"`
	Channel   Channel   `json:"channel"`
	At        time.Time `json:"at"`
	// Also lists the person's other principals at that time. Two accounts that are unlinked later still had one vote.
	Also []Principal `json:"also,omitempty"`
	// Groups lists the person's groups that the policy named as approvers at that time.
	Groups []string `json:"groups,omitempty"`
	// Contexts lists the authentication contexts of the sign-in with which the approval was made, nil for none.
	Contexts []AuthContext `json:"contexts,omitempty"`
	// MAC authenticates the decision and the change that it is about, under the server key.
	MAC string `json:"mac,omitempty"`
}

// Outcome is how a change ended, in sentences for users and models. The zero value means that it has not ended. Before
// that, Reason may be set alone: see Gate.SetProblem.
type Outcome struct {
	State      State           `json:"state,omitempty"`
	Reason     string          `json:"reason,omitempty"`
	Next       string          `json:"next,omitempty"`  // one sentence: what to do next
	Scans      json.RawMessage `json:"scans,omitempty"` // the scans that Defender returned, redacted
	CreatedIDs []string        `json:"made,omitempty"`  // the ids of the scans that this change has created, and no others
	// MAC authenticates the outcome and the change that it is about, under the server key. Gate sets it.
	MAC string `json:"mac,omitempty"`
}

// Change is a proposal in the ledger, with everything that has happened to it.
type Change struct {
	ID   string // ULID
	Code string // the same on every channel; shown to people only, never to a model
	Proposal
	Digest    string
	Requester Principal
	// RequesterAlso lists the requester's other principals at the time of the proposal. Unlinking accounts
	// later does not allow the requester to confirm their own change.
	RequesterAlso []Principal
	Source        string // one of Sources
	Local         bool
	Agent         bool // the requester is an application or an AI agent
	Channels      []Channel
	Created       time.Time
	Expires       time.Time
	State         State
	Version       int64  // increases with every Move: the compare-and-set guard
	Round         int    // how many answers of the requester's own client were used up
	Needed        int    // how many distinct people must approve
	MAC           string // authenticates the proposal and the terms of confirming it, under the server key
	Decisions     []Decision
	Outcome       Outcome
	Owner         string    // the process that executes it
	Lease         time.Time // until when that process is assumed to be alive
	Updated       time.Time // the time of the last Move
	// Baseline is the live state that Config.Execute read and recorded directly before it sent; nil if it recorded none.
	Baseline json.RawMessage
	// Fingerprint is set for Store.Insert alone: an open change with the same one makes this one unnecessary.
	Fingerprint string
}

// Approvals returns the number of distinct people who approved, as identified at the time of their votes.
func (c Change) Approvals() int {
	people := map[string]bool{}
	for _, d := range c.Decisions {
		if d.Approve {
			people[d.Person] = true
		}
	}
	return len(people)
}

// AnswersLeft returns how many answers of the requester's own client are still taken, at least 1. A wrong one that is the
// last is a denial.
func (c Change) AnswersLeft() int { return max(maxAnswers-c.Round, 1) }

// requestedByAgent reports whether an agent proposed the change under exactly this principal. Another principal of the
// same person does not count as the agent's.
func (c Change) requestedByAgent(by Principal) bool { return c.Agent && c.Requester == by }

// codeLetters omits characters that look alike: 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V.
const codeLetters = "ACDEFGHJKMNPQRTUWXY34679"

// codeLength allows 24^5, about eight million codes. Three wrong ones deny a change.
const codeLength = 5

// newCode returns a random confirmation code.
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

// newID returns a new change id, a ULID. Ids sort by now, the time of the proposal. It returns the error of entropy.
func newID(now time.Time, entropy io.Reader) (string, error) {
	id, err := ulid.New(ulid.Timestamp(now), entropy)
	if err != nil {
		return "", fmt.Errorf("new change id: %w", err)
	}
	return id.String(), nil
}
