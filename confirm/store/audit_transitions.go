package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"scanwarden/confirm"
)

// history is what the log has recorded of one change so far, as far as the rules of its transitions need it. A row
// that was altered without an audit entry and then moved leaves a history that the Gate would not have allowed,
// even if the row was restored later.
type history struct {
	known    bool
	state    confirm.State
	version  int64
	fixed    [4]string // digest, operation, target and requester
	needed   int
	expires  time.Time
	approved []string // persons that approved, each once
	removed  bool     // its rows were removed after it had ended
}

// legalTransitions lists the states that a change can go to.
var legalTransitions = map[confirm.State][]confirm.State{
	confirm.Pending:   {confirm.Pending, confirm.Approved, confirm.Denied, confirm.Expired, confirm.Withdrawn},
	confirm.Approved:  {confirm.Executing, confirm.Failed, confirm.Expired},
	confirm.Executing: {confirm.Executing, confirm.Applied, confirm.Failed, confirm.Unknown, confirm.Stale},
	confirm.Unknown:   {confirm.Unknown, confirm.Applied, confirm.Failed},
}

// apply returns the history after entry e, or an error if e is not possible then.
func (c history) apply(e entry) (history, error) {
	fixed := [4]string{e.Digest, e.Operation, e.Target, string(e.Requester)}
	if !c.known {
		return c.start(e, fixed)
	}
	switch {
	case c.removed:
		return c, fmt.Errorf("change %s moves after it was removed", e.Change)
	case e.Proposed != nil:
		return c, fmt.Errorf("change %s is proposed a second time", e.Change)
	case e.From != c.state || e.Version != c.version+1 || fixed != c.fixed:
		return c, fmt.Errorf("change %s continues from a state it was not in: its row was altered without an audit entry", e.Change)
	case e.Event == eventRemoved && e.To == c.state && isSettled(c.state):
		c.removed, c.version = true, e.Version
		return c, nil
	case e.Event == eventRemoved:
		return c, fmt.Errorf("change %s was removed before it had ended", e.Change)
	case !slices.Contains(legalTransitions[c.state], e.To):
		return c, fmt.Errorf("change %s cannot go from %s to %s", e.Change, c.state, e.To)
	}
	if d := e.Decision; d != nil && d.Approve && !slices.Contains(c.approved, d.Person) {
		c.approved = append(slices.Clip(c.approved), d.Person)
	}
	if why := c.violation(e); why != "" {
		return c, fmt.Errorf("change %s %s", e.Change, why)
	}
	c.state, c.version = e.To, e.Version
	return c, nil
}

// start returns the history after the first entry of a change, which must propose it.
func (c history) start(e entry, fixed [4]string) (history, error) {
	var p storedProposal
	if e.Proposed == nil || e.To != confirm.Pending {
		return c, fmt.Errorf("change %s moves, but was never proposed", e.Change)
	}
	if err := json.Unmarshal(e.Proposed, &p); err != nil {
		return c, err
	}
	return history{known: true, state: e.To, version: e.Version, fixed: fixed, needed: p.Needed, expires: p.Expires}, nil
}

// peopleText returns "1 person" or "2 people".
func peopleText(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

// violation returns the rule that e breaks, with its own vote counted, or "".
func (c history) violation(e entry) string {
	inTime := e.Time.Before(c.expires)
	switch {
	case e.To == confirm.Approved && (e.Decision == nil || !e.Decision.Approve || len(c.approved) < c.needed):
		return fmt.Sprintf("was approved by %s, and needs %d", peopleText(len(c.approved)), c.needed)
	case e.To == confirm.Denied && (e.Decision == nil || e.Decision.Approve):
		return "was denied without a decision against it"
	case e.To == confirm.Executing && len(c.approved) < c.needed:
		return fmt.Sprintf("was executed with the approval of %s, and needs %d", peopleText(len(c.approved)), c.needed)
	case (e.To == confirm.Approved || e.To == confirm.Executing) && e.From != confirm.Executing && !inTime:
		return "continued after it had expired"
	}
	return ""
}
