package confirm

import (
	"encoding/json"
	"fmt"
)

// Facts describe what a change means, in the names that a policy's rules use. The planner fills them in. The digest
// binds them, so that rules evaluate what approvers were shown. The zero value belongs to a change that an earlier
// version planned without facts; no rule can be evaluated for it.
type Facts struct {
	Scans           []string `json:"scans,omitempty"`            // names of the scans it touches, before and after
	Count           int      `json:"count"`                      // how many scans it touches
	Addresses       int      `json:"addresses"`                  // how many addresses they target: after the change, or, for a delete, before
	PublicAddresses int      `json:"public_addresses,omitempty"` // how many of them are public internet addresses
	Hostnames       int      `json:"hostnames,omitempty"`        // how many host names they target, with unknown addresses
	Scanners        []string `json:"scanners,omitempty"`         // names of the scanners that run them
	InactiveScanner bool     `json:"inactive_scanner,omitempty"` // one of these scanners was silent for more than a day, or was never seen
	Credential      string   `json:"credential,omitempty"`       // the named credential that it sets
	ReplacesSecret  bool     `json:"replaces_secret,omitempty"`  // it replaces a credential that Defender stores
}

// Empty reports whether no fact is set. An empty list counts as not set.
func (f Facts) Empty() bool {
	return len(f.Scans) == 0 && len(f.Scanners) == 0 && f.Credential == "" &&
		f.Count == 0 && f.Addresses == 0 && f.PublicAddresses == 0 && f.Hostnames == 0 &&
		!f.InactiveScanner && !f.ReplacesSecret
}

// The domain strings of a digest. A change without facts or without keys keeps the digest that versions before them
// computed, so that changes in older ledgers still match their digests.
const (
	digestV1 = "scanwarden-change-v1"
	digestV2 = "scanwarden-change-v2" // with facts
	digestV3 = "scanwarden-change-v3" // with keys, and facts even if they are empty
)

// digestParts returns the domain string of the digest, and the parts of it that bind the facts and the keys.
func (p Proposal) digestParts() (domain string, parts [][]byte, err error) {
	if p.Facts.Empty() && len(p.Keys) == 0 {
		return digestV1, nil, nil
	}
	facts, err := json.Marshal(p.Facts)
	if err != nil {
		return "", nil, fmt.Errorf("digest facts: %w", err)
	}
	if len(p.Keys) == 0 {
		return digestV2, [][]byte{facts}, nil
	}
	keys, err := json.Marshal(p.Keys)
	if err != nil {
		return "", nil, fmt.Errorf("digest keys: %w", err)
	}
	return digestV3, [][]byte{facts, keys}, nil
}
