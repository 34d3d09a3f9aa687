package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"scanwarden/confirm"
)

// replayedChange is where a change stands according to the log: what its row must say too. Long parts are kept
// as their SHA-256, for a log may tell of very many changes.
type replayedChange struct {
	entry     int64 // the newest entry about the change
	state     confirm.State
	version   int64
	round     int
	digest    string
	owner     string
	updated   int64
	request   jsonHash // who asked, and under which terms
	decisions jsonHash
	outcome   jsonHash
}

type jsonHash [sha256.Size]byte

// hashJSON is of JSON, which the ledger's values are kept as; the zero sum stands for nothing there.
func hashJSON(parts ...any) jsonHash {
	text, err := json.Marshal(parts)
	if err != nil {
		return jsonHash{} // such a value was never written: it differs from all that was
	}
	return sha256.Sum256(text)
}

// apply returns the standing after entry e.
func (s replayedChange) apply(e entry) (replayedChange, error) {
	s.entry, s.state, s.version, s.round, s.digest = e.N, e.To, e.Version, e.Round, e.Digest
	s.updated = micros(e.Time)
	if e.Proposed != nil {
		var p storedProposal
		if err := json.Unmarshal(e.Proposed, &p); err != nil {
			return s, err
		}
		s.request = hashJSON(e.Requester, e.Via, p)
		s.outcome = hashJSON(confirm.Outcome{})
	}
	if e.Owner != "" {
		s.owner = e.Owner
	}
	if e.Decision != nil {
		s.decisions = hashJSON(s.decisions, *e.Decision)
	}
	if e.Outcome != nil {
		s.outcome = hashJSON(*e.Outcome)
	}
	return s, nil
}

// difference says in which respect the row of a change departs from the log; empty means in none.
func (s replayedChange) difference(c confirm.Change) string {
	var decisions jsonHash
	for _, d := range c.Decisions {
		decisions = hashJSON(decisions, d)
	}
	digest, err := c.Proposal.Digest()
	departures := []struct {
		how string
		yes bool
	}{
		{fmt.Sprintf("its state is %q, and the log says %q", c.State, s.state), c.State != s.state},
		{"its proposal is not the one that was shown", err != nil || digest != c.Digest || digest != s.digest},
		{"the decisions on it are others", decisions != s.decisions},
		{"who asked, or the terms of confirming it, are others", hashJSON(c.Requester, c.Source, newStoredProposal(c)) != s.request},
		{"its outcome is another", hashJSON(c.Outcome) != s.outcome},
		{"its version, round or owner is another, or the time it last moved",
			c.Version != s.version || c.Round != s.round || c.Owner != s.owner || micros(c.Updated) != s.updated},
	}
	for _, d := range departures {
		if d.yes {
			return d.how
		}
	}
	return ""
}
