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

// Reconcile reads Defender as the application itself and returns how a change of unknown outcome ended: Applied or
// Failed with the evidence, or still Unknown with what to check by hand. Failed means only that there is no trace of
// the change yet. The Gate decides how long to wait before that is final.
func (e *Executor) Reconcile(ctx context.Context, c confirm.Change) confirm.Outcome {
	op := findOperation(c.Operation)
	if op == nil || op.reconcile == nil {
		return unknownOutcome(c, "there is no operation %s", quote(c.Operation))
	}
	// Not on behalf of the requester: a user may see fewer scans, and one that they do not see would count as gone.
	live, err := e.reader.Definitions(ctx, defender.Actor{})
	if err != nil {
		return unknownOutcome(c, "Defender could not be read: %s", reasonOf(err))
	}
	// A version without keys recorded no baseline, and may have sent it.
	if c.Baseline == nil && len(c.Keys) > 0 {
		return notFoundOutcome("it was not sent, because scanwarden stopped before that")
	}
	return op.reconcile(c, live)
}

// reconcileAdd looks for a scan that only this change can have created: it did not exist directly before the change was
// sent, and has the name, target and scanner of the change. The scans at the time of the plan prove nothing, because
// another user or program may have added one since.
func reconcileAdd(c confirm.Change, live []defender.Definition) confirm.Outcome {
	before, err := readSnapshot(c.Baseline)
	want, bodyErr := readFrozenScan(c.Request.Body)
	if err != nil || bodyErr != nil || before.ids == nil {
		return unknownOutcome(c, "it is not recorded which scans existed before it was sent")
	}
	var found []defender.Definition
	for _, d := range live {
		if !slices.Contains(before.ids, d.ID) && want.matches(d) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return notFoundOutcome("no new scan has this name, target and scanner")
	case 1:
		if differences := want.mismatches(found[0]); len(differences) > 0 {
			return unknownOutcome(c, "a new scan has this name, target and scanner, but it may be another's: %s", strings.Join(differences, "; "))
		}
		out := foundOutcome(found, "Defender lists it as "+quote(found[0].ID))
		out.CreatedIDs = scanIDs(found)
		return out
	default:
		return unknownOutcome(c, "%d new scans have this name, target and scanner: %s", len(found), joinLimited(scanIDs(found), 10))
	}
}

// reconcileUpdate compares the fields that Defender shows. It never shows credentials, so a change of nothing else
// leaves no trace either way.
func reconcileUpdate(c confirm.Change, live []defender.Definition) confirm.Outcome {
	before, err := readSnapshot(c.Snapshot)
	want, bodyErr := readFrozenScan(c.Request.Body)
	if err != nil || bodyErr != nil || len(before.states) != 1 {
		return unknownOutcome(c, "what was planned cannot be read")
	}
	i := slices.IndexFunc(live, func(d defender.Definition) bool { _, ok := before.states[d.ID]; return ok })
	if i < 0 {
		return unknownOutcome(c, "the scan is gone")
	}
	now := live[i]
	differs := want.mismatches(now)
	switch asBefore := before.isUnchanged(now); {
	case asBefore && len(differs) == 0:
		return unknownOutcome(c, "only the credential was to change, and Defender never shows it")
	case asBefore:
		return notFoundOutcome("the scan is as it was before")
	case len(differs) == 0:
		return foundOutcome(live[i:i+1], "the scan is as planned")
	default:
		return unknownOutcome(c, "the scan is neither as before nor as planned: %s", joinLimited(differs, 10))
	}
}

// reconcileDelete checks which of the scans still exist.
func reconcileDelete(c confirm.Change, live []defender.Definition) confirm.Outcome {
	before, err := readSnapshot(c.Snapshot)
	if err != nil || len(before.states) == 0 {
		return unknownOutcome(c, "what was planned cannot be read")
	}
	var left []string
	for _, d := range live {
		if _, selected := before.states[d.ID]; selected {
			left = append(left, quote(d.ScanName))
		}
	}
	switch len(left) {
	case 0:
		return foundOutcome(nil, "none of the scans exists any longer")
	case len(before.states):
		return notFoundOutcome("all of the scans are still there")
	default:
		return unknownOutcome(c, "%d of %d scans are still there: %s", len(left), len(before.states), joinLimited(left, 10))
	}
}

func foundOutcome(scans []defender.Definition, evidence string) confirm.Outcome {
	out := confirm.Outcome{State: confirm.Applied, Reason: "no answer confirmed it, but Defender shows that it took effect: " + evidence}
	if scans != nil {
		readableScans := make([]defender.Definition, len(scans))
		for i, d := range scans {
			readableScans[i] = escapeScan(d)
		}
		out.Scans = marshalOrNil(readableScans)
	}
	return out
}

func notFoundOutcome(evidence string) confirm.Outcome {
	return confirm.Outcome{
		State:  confirm.Failed,
		Reason: "no answer confirmed it, and Defender shows that it did not take effect: " + evidence,
		Next:   "Propose it again if it is still wanted.",
	}
}

func unknownOutcome(c confirm.Change, format string, args ...any) confirm.Outcome {
	return confirm.Outcome{State: confirm.Unknown, Reason: fmt.Sprintf(format, args...), Next: manualCheck(c)}
}

// manualCheck returns the instruction for an unknown outcome: what to verify in the Defender portal before proposing
// again.
func manualCheck(c confirm.Change) string {
	if want, err := readFrozenScan(c.Request.Body); err == nil && want.ScanName != "" {
		return fmt.Sprintf("Before proposing it again, check in the Defender portal whether scan %s with target %s is as planned.",
			quote(want.ScanName), quote(want.Target))
	}
	titles := make([]string, len(c.Subjects))
	for i, s := range c.Subjects {
		titles[i] = `"` + truncate(s.Title, 80) + `"`
	}
	return "Before proposing it again, check in the Defender portal which of these scans are still there: " + joinLimited(titles, 10) + "."
}

// frozenScan is the public part of a frozen body.
type frozenScan struct {
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

func readFrozenScan(body json.RawMessage) (frozenScan, error) {
	var w frozenScan
	err := json.Unmarshal(body, &w)
	return w, err
}

// matches reports whether d has the name, the target and the scanner of the requested scan.
func (w frozenScan) matches(d defender.Definition) bool {
	return d.ScanName == w.ScanName && sameTarget(d.Target, w.Target) && strings.EqualFold(d.ScannerAgent.MachineID, w.ScannerAgent.MachineID)
}

// sameTarget reports whether two targets have the same entries.
func sameTarget(a, b string) bool { return canonicalTarget(a) == canonicalTarget(b) }

// mismatches returns a sentence for each field that is not as it was requested.
func (w frozenScan) mismatches(d defender.Definition) []string {
	var out []string
	for _, f := range []struct {
		name, want, got string
		same            bool
	}{
		{"scanType", w.ScanType, d.ScanType, w.ScanType == d.ScanType},
		{"scanName", w.ScanName, d.ScanName, w.ScanName == d.ScanName},
		{"isActive", fmt.Sprint(w.IsActive), fmt.Sprint(d.IsActive), w.IsActive == d.IsActive},
		{"target", w.Target, d.Target, sameTarget(w.Target, d.Target)},
		{"intervalInHours", intervalText(w.IntervalInHours), intervalText(d.IntervalInHours), intervalText(w.IntervalInHours) == intervalText(d.IntervalInHours)},
		{"targetType", w.TargetType, d.TargetType, w.TargetType == d.TargetType},
		{"scannerAgent.machineId", w.ScannerAgent.MachineID, d.ScannerAgent.MachineID, strings.EqualFold(w.ScannerAgent.MachineID, d.ScannerAgent.MachineID)},
	} {
		if !f.same {
			out = append(out, fmt.Sprintf("%s is %s instead of %s", f.name, quote(f.got), quote(f.want)))
		}
	}
	return out
}
