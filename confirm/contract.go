package confirm

import (
	"context"
	"time"
)

// Facts are what a change means, in the words that a policy's rules use. The desk fills them in when it plans;
// they are bound by the digest, so that what was judged is what was shown.
type Facts struct {
	Scans           []string `json:"scans,omitempty"`            // names of the scans it touches, before and after
	Count           int      `json:"count"`                      // how many scans it touches
	Addresses       int      `json:"addresses"`                  // how many addresses they target: after the change, or, for a delete, before
	PublicAddresses int      `json:"public_addresses,omitempty"` // how many of them are public internet addresses
	Hostnames       int      `json:"hostnames,omitempty"`        // how many host names they target, whose addresses nobody knows here
	Scanners        []string `json:"scanners,omitempty"`         // names of the scanners that run them
	InactiveScanner bool     `json:"inactive_scanner,omitempty"` // one of these scanners was silent for more than a day, or was never seen
	Credential      string   `json:"credential,omitempty"`       // the named credential that it sets
	ReplacesSecret  bool     `json:"replaces_secret,omitempty"`  // it replaces a credential that Defender stores
}

// Rule is one compiled rule of a policy: where it holds, it asks for more people, or refuses.
type Rule struct {
	Name      string
	Approvals int    // at least so many people; 0 where it refuses
	Refuse    string // why such a change is not allowed here; "" where it does not refuse
	Source    string // the condition as written, for people
	// Holds reports whether the rule is about this change. A rule that cannot be evaluated refuses: it fails closed.
	Holds func(Subjected) (bool, error)
}

// Subjected is what a rule sees of a change.
type Subjected struct {
	Facts
	Operation string
	Requester Principal
	Via       string
	Agent     bool
}

// Verdict says what policy makes of a change, and why: for `scanwarden doctor --explain`.
type Verdict struct {
	Needed  int       `json:"needed"`            // how many people must confirm
	Because string    `json:"because"`           // what decided that number
	Refused string    `json:"refused,omitempty"` // why nobody may confirm it at all
	Rules   []Judging `json:"rules,omitempty"`   // every rule, in the order of the file
	Who     []string  `json:"who"`               // who may confirm it
}

// Judging is one rule's say in a Verdict.
type Judging struct {
	Rule  string `json:"rule"`
	Holds bool   `json:"holds"`
	Says  string `json:"says"` // what follows, or why it could not be evaluated
}

// Explain judges a change by this policy.
func (p Policy) Explain(c Change) Verdict { panic("contract") }

// Link joins two principals of one human being, who has proved to be both.
type Link struct {
	From Principal // "slack:TEAM/USER"
	To   Principal // "entra:TENANT/OBJECT"
	Name string    // how To calls them, for people
	How  string    // "sign-in" or "e-mail"
	At   time.Time
}

// Link records that two principals are one person, once: a principal that is joined already, by configuration or
// by a link, is refused with ErrRefused unless it is the very same link again.
func (g *Gate) Link(ctx context.Context, l Link) error { panic("contract") }

// Unlink takes a link back; only an operator, or the face that made it by e-mail, may.
func (g *Gate) Unlink(ctx context.Context, from Principal, why string) error { panic("contract") }

// Person is everything known of the human behind a principal: configured and linked.
func (g *Gate) Person(ctx context.Context, of Principal) (Person, error) { panic("contract") }

// MayDecide says nil when a vote would count for c now, and otherwise why not. It records nothing.
func (g *Gate) MayDecide(ctx context.Context, c Change, v Vote) error { panic("contract") }
