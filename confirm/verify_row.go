package confirm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// verifyRow returns nil if everything about c that people and models are shown has a valid MAC: the proposal, every
// decision, and the outcome. Otherwise it returns ErrTampered. Whoever can write the database may alter a row only while
// it is shown and restore it before the vote, so that verifying at the vote alone finds nothing.
func (m recordMAC) verifyRow(c Change) error {
	if err := m.verifyChange(c); err != nil {
		return err
	}
	err := m.verifyOutcome(c)
	if err == nil {
		return nil
	}
	return tamperingError{Tampering{
		Kind: KindOutcome, Change: c.ID, OtherKey: errors.Is(err, errOtherKey),
		Reason: fmt.Sprintf("how the change ended does not verify in the ledger: %v; run `scanwarden audit verify`", err),
	}}
}

// verifyOutcome returns nil if the outcome of c has a valid MAC and is that of its state. A change that has not ended
// may have none.
func (m recordMAC) verifyOutcome(c Change) error {
	ended := c.State
	if c.State.Open() {
		ended = ""
	}
	switch {
	case c.Outcome.State != ended:
		return errWrongMAC
	case ended == "" && reflect.ValueOf(c.Outcome).IsZero():
		return nil
	}
	return m.check(c.Outcome.MAC, m.outcome(c, c.Outcome))
}

// outcome returns the MAC of an outcome of c, as it reads back from the ledger.
func (m recordMAC) outcome(c Change, o Outcome) string {
	o.MAC = ""
	text, err := json.Marshal(o)
	if err != nil {
		return "" // it was never recorded
	}
	f := m.fields(labelOutcome)
	f.text(c.ID, c.Digest, string(text))
	return f.sum()
}

// sealOutcome returns o as it reads back from the ledger, with its MAC. It returns o unaltered if it has no JSON, so that
// the Store refuses it.
func (m recordMAC) sealOutcome(c Change, o Outcome) Outcome {
	o.MAC = ""
	text, err := json.Marshal(o)
	if err != nil {
		return o
	}
	var sealed Outcome
	if err := json.Unmarshal(text, &sealed); err != nil {
		return o
	}
	sealed.MAC = m.outcome(c, sealed)
	return sealed
}

// withholdAltered reports each change that does not verify, and withholds it.
func (g *Gate) withholdAltered(ctx context.Context, changes []Change) {
	for i, c := range changes {
		if err := g.report(ctx, g.mac.verifyRow(c)); err != nil {
			changes[i] = c.withhold(err)
		}
	}
}

// Withhold returns the changes, of which each that does not verify under the server key is replaced by what says so. It
// has the state Unknown, and nothing of the row but its id, requester and times. It is for programs that read a Store
// without a Gate.
func Withhold(serverKey []byte, changes []Change) []Change {
	m := newRecordMAC(serverKey)
	shown := make([]Change, len(changes))
	for i, c := range changes {
		if shown[i] = c; m.verifyRow(c) != nil {
			shown[i] = c.withhold(m.verifyRow(c))
		}
	}
	return shown
}

// withhold returns a change that says that c does not verify, instead of c.
func (c Change) withhold(why error) Change {
	const summary = "This change is not shown: its record does not verify"
	return Change{
		ID: c.ID, Requester: c.Requester, Version: c.Version, Created: c.Created, Expires: c.Expires, Updated: c.Updated,
		State: Unknown, Proposal: Proposal{Target: c.Target, Summary: summary},
		Outcome: Outcome{
			State: Unknown, Reason: why.Error(), Next: "Run `scanwarden audit verify`: the ledger may have been altered.",
		},
	}
}
