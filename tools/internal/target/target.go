// Package target parses the target of an authenticated scan: IP addresses, CIDRs and ranges, or host names.
//
// [Parse] checks a proposed target and makes it canonical. [Read] and [Coverage] take the target of a scan that
// Defender already stores, which may be any text.
//
// The invariant: an accepted target has one meaning. Parse refuses an entry that Defender might read as something
// else, the canonical text parses to the same target again, and Coverage counts an unreadable entry as everything.
package target

import (
	"fmt"
	"strconv"
	"strings"

	"go4.org/netipx"
)

// The kinds of a target. IP and Hostname are the values of targetType that Microsoft documents. A live scan may hold
// both kinds, which the service's metadata calls Combined.
const (
	IP       = "Ip"
	Hostname = "Hostname"
	Combined = "Combined"
)

// Target is a parsed target. The zero value has no entries.
type Target struct {
	Kind       string   // IP or Hostname; from Read also Combined, or "" when nothing was readable
	Entries    []string // canonical, in the order given
	Duplicates []string // entries that Parse left out because an earlier one means the same

	addresses netipx.IPSet
}

// Error reports why a target was refused.
type Error struct {
	Entry   string // the entry at fault as it was given; "" when the target as a whole is at fault
	Problem string // a predicate, such as "is empty"
	Next    string // what to do instead, in the imperative
}

// Rule returns what the target breaks, for logs: the problem without the text of any entry.
func (e *Error) Rule() string {
	rule, _, _ := strings.Cut(e.Problem, ": ")
	if e.Entry == "" {
		return "target " + rule
	}
	return "target entry " + rule
}

// Error returns the problem with its entry in quotes, without the next step.
func (e *Error) Error() string {
	if e.Entry == "" {
		return "target " + e.Problem
	}
	return fmt.Sprintf("target entry %q %s", e.Entry, e.Problem)
}

// Parse returns the canonical form of a target, which may be a list as people paste it. kind is IP, Hostname, or "" for
// the kind of the first entry. IP accepts an address, a CIDR, and the ranges a.b.c.d-a.b.c.e and a.b.c.d-e. Hostname accepts names as in
// RFC 1123, and underscores in them. Every error is an *Error.
func Parse(text, kind string) (Target, error) {
	t, seen := Target{Kind: kind}, map[entryKey]bool{}
	var ranges netipx.IPSetBuilder
	entries, err := splitList(text)
	if err != nil {
		return Target{}, err
	}
	for _, part := range entries {
		e, err := parseEntry(part)
		if err != nil {
			return Target{}, err
		}
		if t.Kind == "" {
			t.Kind = e.kind
		}
		switch {
		case e.kind != t.Kind:
			return Target{}, mixedKinds(e, t)
		case seen[e.entryKey]:
			t.Duplicates = append(t.Duplicates, e.text)
			continue
		}
		seen[e.entryKey] = true
		t.Entries = append(t.Entries, e.text)
		if e.kind == IP {
			ranges.AddRange(e.addresses)
		}
	}
	t.addresses = buildSet(&ranges)
	return t, nil
}

func mixedKinds(odd entry, t Target) error {
	words := map[string]string{IP: "an address", Hostname: "a hostname"}
	other := "targetType is " + t.Kind
	if len(t.Entries) > 0 {
		other = strconv.Quote(t.Entries[0]) + " is " + words[t.Kind]
	}
	return &Error{
		Problem: fmt.Sprintf("mixes kinds: %q is %s, but %s", odd.text, words[odd.kind], other),
		Next:    "make one scan with targetType Ip and one with targetType Hostname",
	}
}

// Read parses the target of a live scan. It leaves out the entries that it cannot read.
func Read(text string) Target {
	var t Target
	var ranges netipx.IPSetBuilder
	for part := range strings.SplitSeq(text, ",") {
		e, err := parseEntry(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		t.Entries = append(t.Entries, e.text)
		if e.kind == IP {
			ranges.AddRange(e.addresses)
		}
		if t.Kind != "" && t.Kind != e.kind {
			e.kind = Combined
		}
		t.Kind = e.kind
	}
	t.addresses = buildSet(&ranges)
	return t
}

// String returns the canonical text. Parse returns the same target for it.
func (t Target) String() string { return strings.Join(t.Entries, ",") }

// Count returns the number of distinct addresses of an IP target, at most math.MaxUint64, and the number of entries
// of any other.
func (t Target) Count() uint64 {
	if t.Kind != IP {
		return uint64(len(t.Entries))
	}
	return countAddresses(&t.addresses)
}

// Overlap returns an address, range or host name that both targets contain, as text; "" when there is none.
func (t Target) Overlap(other Target) string {
	if shared := overlap(&t.addresses, &other.addresses); shared != "" {
		return shared
	}
	if t.Kind == IP || other.Kind == IP {
		return ""
	}
	names := map[string]bool{}
	for _, e := range other.Entries {
		names[strings.ToLower(e)] = true
	}
	for _, e := range t.Entries {
		if names[strings.ToLower(e)] {
			return strconv.Quote(e)
		}
	}
	return ""
}
