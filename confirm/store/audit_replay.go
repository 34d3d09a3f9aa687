package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"scanwarden/confirm"
)

// replayedChange is the state of a change according to the log. Its row must agree. Long parts are kept as their
// SHA-256, because a log may be about very many changes.
type replayedChange struct {
	entry     int64 // newest entry about the change
	state     confirm.State
	version   int64
	round     int
	digest    string
	owner     string
	updated   int64
	request   jsonHash // requester, source and the terms of confirming
	decisions jsonHash
	outcome   jsonHash
	removed   bool // its rows were removed after it had ended
	baseline  string
	held      []heldClaim // since its claim; nil once its outcome is known
}

type jsonHash [sha256.Size]byte

// hashJSON returns the SHA-256 of the parts as a JSON array. It returns the zero hash for values that have no
// JSON.
func hashJSON(parts ...any) jsonHash {
	text, err := json.Marshal(parts)
	if err != nil {
		return jsonHash{} // such a value was never written, so it must differ from every stored one
	}
	return sha256.Sum256(text)
}

// apply returns the state after entry e.
func (s replayedChange) apply(e entry) (replayedChange, error) {
	s.entry, s.state, s.version, s.round, s.digest = e.N, e.To, e.Version, e.Round, e.Digest
	s.updated, s.removed = micros(e.Time), e.Event == eventRemoved
	if e.Proposed != nil {
		var p storedProposal
		if err := json.Unmarshal(e.Proposed, &p); err != nil {
			return s, err
		}
		s.request = hashJSON(e.Requester, e.Via, p)
		s.outcome = hashJSON(confirm.Outcome{})
	}
	if len(e.Keys) > 0 {
		s.held = e.claims()
	}
	if isSettled(e.To) {
		s.held = nil
	}
	if e.Owner != "" {
		s.owner = e.Owner
	}
	if e.Baseline != "" {
		s.baseline = e.Baseline
	}
	if e.Decision != nil {
		s.decisions = hashJSON(s.decisions, *e.Decision)
	}
	if e.Outcome != nil {
		s.outcome = hashJSON(*e.Outcome)
	}
	return s, nil
}

// changeHashes are the long parts of a change as a replayedChange keeps them. They are computed before the head of the
// log is locked.
type changeHashes struct {
	digest                      string // of the proposal as it is now; "" if it has none
	baseline                    string
	request, decisions, outcome jsonHash
}

func hashChange(c confirm.Change) changeHashes {
	h := changeHashes{request: hashJSON(c.Requester, c.Source, newStoredProposal(c)), outcome: hashJSON(c.Outcome), baseline: hashBaseline(c.Baseline)}
	for _, d := range c.Decisions {
		h.decisions = hashJSON(h.decisions, d)
	}
	if digest, err := c.Proposal.Digest(); err == nil {
		h.digest = digest
	}
	return h
}

// difference returns how the row of a change differs from the log, or "".
func (s replayedChange) difference(c confirm.Change, row changeHashes) string {
	departures := []struct {
		how string
		yes bool
	}{
		{fmt.Sprintf("its state is %q, and the log says %q", c.State, s.state), c.State != s.state},
		{"its proposal is not the one that was shown", row.digest != c.Digest || row.digest != s.digest},
		{"the decisions on it differ", row.decisions != s.decisions},
		{"its requester, its source or the terms of confirming it differ", row.request != s.request},
		{"its baseline differs", row.baseline != s.baseline},
		{"its outcome differs", row.outcome != s.outcome},
		{"its version, round, owner or the time it last moved differs",
			c.Version != s.version || c.Round != s.round || c.Owner != s.owner || micros(c.Updated) != s.updated},
	}
	for _, d := range departures {
		if d.yes {
			return d.how
		}
	}
	return ""
}
