package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"scanwarden/confirm"
)

// history is what the log has told of one change so far, as far as the law of its transitions needs it. A row
// that was altered behind the log's back, and moved on and perhaps put back since, leaves a course that no
// gate would have taken.
type history struct {
	known    bool
	state    confirm.State
	version  int64
	fixed    [4]string // digest, operation, target and requester
	needed   int
	expires  time.Time
	approved []string // the people who said yes
}

// legalTransitions are the states that a change may go to.
var legalTransitions = map[confirm.State][]confirm.State{
	confirm.Pending:   {confirm.Pending, confirm.Approved, confirm.Denied, confirm.Expired, confirm.Withdrawn},
	confirm.Approved:  {confirm.Executing, confirm.Failed, confirm.Expired},
	confirm.Executing: {confirm.Applied, confirm.Failed, confirm.Unknown, confirm.Stale},
	confirm.Unknown:   {confirm.Unknown, confirm.Applied, confirm.Failed},
}

// apply returns the course after entry e, or why the change cannot have taken it.
func (c history) apply(e entry) (history, error) {
	fixed := [4]string{e.Digest, e.Operation, e.Target, string(e.Requester)}
	if !c.known {
		return c.start(e, fixed)
	}
	switch {
	case e.Proposed != nil:
		return c, fmt.Errorf("change %s is proposed a second time", e.Change)
	case e.From != c.state || e.Version != c.version+1 || fixed != c.fixed:
		return c, fmt.Errorf("change %s goes on from where it was not: its row was altered behind the log's back", e.Change)
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

func (c history) start(e entry, fixed [4]string) (history, error) {
	var p storedProposal
	if e.Proposed == nil || e.To != confirm.Pending {
		return c, fmt.Errorf("change %s moves, and was never proposed", e.Change)
	}
	if err := json.Unmarshal(e.Proposed, &p); err != nil {
		return c, err
	}
	return history{known: true, state: e.To, version: e.Version, fixed: fixed, needed: p.Needed, expires: p.Expires}, nil
}

// violation says what speaks against e, with its own vote counted.
func (c history) violation(e entry) string {
	inTime := e.Time.Before(c.expires)
	switch {
	case e.To == confirm.Approved && (e.Decision == nil || !e.Decision.Approve || len(c.approved) < c.needed):
		return fmt.Sprintf("was approved by %d people, and needs %d", len(c.approved), c.needed)
	case e.To == confirm.Denied && (e.Decision == nil || e.Decision.Approve):
		return "was denied by nobody"
	case e.To == confirm.Executing && len(c.approved) < c.needed:
		return fmt.Sprintf("was executed with the yes of %d people, and needs %d", len(c.approved), c.needed)
	case (e.To == confirm.Approved || e.To == confirm.Executing) && !inTime:
		return "went on after it had expired"
	}
	return ""
}
