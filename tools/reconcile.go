package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// Reconcile reads Defender as the application itself, to learn how a change of unknown outcome ended: Applied or
// Failed with the evidence, or still Unknown with what a person should check. Failed only means that there is no
// trace of it yet; how long to wait before believing that is the gate's decision.
func (e *Executor) Reconcile(ctx context.Context, c confirm.Change) confirm.Outcome {
	op := findOperation(c.Operation)
	if op == nil || op.settle == nil {
		return unknown(c, "there is no operation %s", quoted(c.Operation))
	}
	// A person may see less than there is by now, and what they do not see would pass for gone.
	live, err := e.reader.Definitions(ctx, defender.Actor{})
	if err != nil {
		return unknown(c, "Defender could not be read: %s", reasonOf(err))
	}
	return op.settle(c, live)
}

// settleAdd looks for what only this change can have made: a scan that was not there before, with its name,
// target and scanner.
func settleAdd(c confirm.Change, live []defender.Definition) confirm.Outcome {
	before, err := readSnapshot(c.Snapshot)
	want, bodyErr := readWanted(c.Request.Body)
	if err != nil || bodyErr != nil || before.ids == nil {
		return unknown(c, "what was planned cannot be read")
	}
	var found []defender.Definition
	for _, d := range live {
		if !slices.Contains(before.ids, d.ID) && want.identifies(d) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return noTrace("no new scan has this name, target and scanner")
	case 1:
		if odd := want.contradictions(found[0]); len(odd) > 0 {
			return unknown(c, "a new scan has this name, target and scanner, but it may be another's: %s", strings.Join(odd, "; "))
		}
		out := seen(found, "Defender lists it as "+quoted(found[0].ID))
		out.CreatedIDs = ids(found)
		return out
	default:
		return unknown(c, "%d new scans have this name, target and scanner: %s", len(found), listed(ids(found), 10))
	}
}

// settleUpdate compares the fields that Defender shows. Credentials it never shows, so that a change of nothing
// else leaves no trace either way.
func settleUpdate(c confirm.Change, live []defender.Definition) confirm.Outcome {
	before, err := readSnapshot(c.Snapshot)
	want, bodyErr := readWanted(c.Request.Body)
	if err != nil || bodyErr != nil || len(before.states) != 1 {
		return unknown(c, "what was planned cannot be read")
	}
	i := slices.IndexFunc(live, func(d defender.Definition) bool { _, ok := before.states[d.ID]; return ok })
	if i < 0 {
		return unknown(c, "the scan is gone")
	}
	now := live[i]
	differs := want.contradictions(now)
	switch asBefore := before.same(now); {
	case asBefore && len(differs) == 0:
		return unknown(c, "only the credential was to change, and Defender never shows it")
	case asBefore:
		return noTrace("the scan is as it was before")
	case len(differs) == 0:
		return seen(live[i:i+1], "the scan is as it was to become")
	default:
		return unknown(c, "the scan is neither as before nor as it was to become: %s", listed(differs, 10))
	}
}

// settleDelete looks which of the scans are still there.
func settleDelete(c confirm.Change, live []defender.Definition) confirm.Outcome {
	before, err := readSnapshot(c.Snapshot)
	if err != nil || len(before.states) == 0 {
		return unknown(c, "what was planned cannot be read")
	}
	var left []string
	for _, d := range live {
		if _, doomed := before.states[d.ID]; doomed {
			left = append(left, quoted(d.ScanName))
		}
	}
	switch len(left) {
	case 0:
		return seen(nil, "none of the scans is there any more")
	case len(before.states):
		return noTrace("all of the scans are still there")
	default:
		return unknown(c, "%d of %d scans are still there: %s", len(left), len(before.states), listed(left, 10))
	}
}

func seen(scans []defender.Definition, evidence string) confirm.Outcome {
	out := confirm.Outcome{State: confirm.Applied, Reason: "no answer told, but Defender shows that it took effect: " + evidence}
	if scans != nil {
		readableScans := make([]defender.Definition, len(scans))
		for i, d := range scans {
			readableScans[i] = readable(d)
		}
		out.Scans = asJSON(readableScans)
	}
	return out
}

func noTrace(evidence string) confirm.Outcome {
	return confirm.Outcome{
		State:  confirm.Failed,
		Reason: "no answer told, and Defender shows that it did not take effect: " + evidence,
		Next:   "Ask again if it is still wanted.",
	}
}

func unknown(c confirm.Change, format string, args ...any) confirm.Outcome {
	return confirm.Outcome{State: confirm.Unknown, Reason: fmt.Sprintf(format, args...), Next: lookFor(c)}
}

// lookFor tells a person what to check with their own eyes, and not to ask again before.
func lookFor(c confirm.Change) string {
	if want, err := readWanted(c.Request.Body); err == nil && want.ScanName != "" {
		return fmt.Sprintf("Before asking again, check in the Defender portal whether scan %s with target %s is as it was to become.",
			quoted(want.ScanName), quoted(want.Target))
	}
	titles := make([]string, len(c.Subjects))
	for i, s := range c.Subjects {
		titles[i] = `"` + clipped(s.Title, 80) + `"`
	}
	return "Before asking again, check in the Defender portal which of these scans are still there: " + listed(titles, 10) + "."
}

// wanted is the public part of a frozen body.
type wanted struct {
	ScanType        string `json:"scanType"`
	ScanName        string `json:"scanName"`
	IsActive        bool   `json:"isActive"`
	Target          string `json:"target"`
	IntervalInHours *int   `json:"intervalInHours"`
	TargetType      string `json:"targetType"`
	ScannerAgent    struct {
		MachineID string `json:"machineId"`
	} `json:"scannerAgent"`
}

func readWanted(body json.RawMessage) (wanted, error) {
	var w wanted
	err := json.Unmarshal(body, &w)
	return w, err
}

// identifies reports whether d is the scan that was asked for, as far as a name, a target and a scanner can tell.
func (w wanted) identifies(d defender.Definition) bool {
	return d.ScanName == w.ScanName && sameTarget(d.Target, w.Target) && strings.EqualFold(d.ScannerAgent.MachineID, w.ScannerAgent.MachineID)
}

// sameTarget forgives blanks, which are all that a service could reasonably add or drop.
func sameTarget(a, b string) bool {
	return strings.ReplaceAll(a, " ", "") == strings.ReplaceAll(b, " ", "")
}

// contradictions lists, in words, what is not as it was asked for.
func (w wanted) contradictions(d defender.Definition) []string {
	var out []string
	for _, f := range []struct {
		name, asked, got string
		same             bool
	}{
		{"scanType", w.ScanType, d.ScanType, w.ScanType == d.ScanType},
		{"scanName", w.ScanName, d.ScanName, w.ScanName == d.ScanName},
		{"isActive", fmt.Sprint(w.IsActive), fmt.Sprint(d.IsActive), w.IsActive == d.IsActive},
		{"target", w.Target, d.Target, sameTarget(w.Target, d.Target)},
		{"intervalInHours", interval(w.IntervalInHours), interval(d.IntervalInHours), interval(w.IntervalInHours) == interval(d.IntervalInHours)},
		{"targetType", w.TargetType, d.TargetType, w.TargetType == d.TargetType},
		{"scannerAgent.machineId", w.ScannerAgent.MachineID, d.ScannerAgent.MachineID, strings.EqualFold(w.ScannerAgent.MachineID, d.ScannerAgent.MachineID)},
	} {
		if !f.same {
			out = append(out, fmt.Sprintf("%s is %s instead of %s", f.name, quoted(f.got), quoted(f.asked)))
		}
	}
	return out
}
