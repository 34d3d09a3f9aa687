package tools

import (
	"context"
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"

	"scanwarden/confirm"
	"scanwarden/defender"
)

var updateScan = proposing(Operation{
	Name:        "update_scan",
	Title:       "Update scan",
	Description: "Ask a person to confirm a changed scan. Give only what changes; credentials stay unless replaced.",
	Destructive: true,
	Idempotent:  true,
}, (*Service).planUpdate, settleUpdate)

type updateInput struct {
	ID *string `json:"id" jsonschema:"example=Core switches" jsonschema_description:"Or its unique name"`
	scanInput
}

// JSONSchemaExtend says that all but the id may be left out.
func (updateInput) JSONSchemaExtend(s *jsonschema.Schema) { s.Required = []string{"id"} }

// planUpdate merges what was given into the live definition. Every field is sent but the credential, which
// Microsoft documents as optional here: no page says what a partial update does to the fields it leaves out.
func (d *Service) planUpdate(ctx context.Context, by Caller, in updateInput) (confirm.Proposal, error) {
	if orZero(in.ID) == "" {
		return confirm.Proposal{}, refuse("id", "id is missing").then("call list_scans and use an id from there")
	}
	existing, err := d.live.definitions.get(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	found, err := findScans("id", []string{*in.ID}, existing)
	if err != nil {
		return confirm.Proposal{}, err
	}
	scanners, err := d.live.scanners.get(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	before, was, listed := seenNow(found[0], scanners)
	dr, err := d.merge(ctx, by, before, in.scanInput)
	if err != nil {
		return confirm.Proposal{}, err
	}
	dr.unlisted = !listed && dr.keepsScanner(before)
	p := confirm.Proposal{
		Subjects: []confirm.Subject{d.changedSubject(before, dr)},
		Facts:    d.changedFacts(before, was, dr),
	}
	changed := changedFields(p.Subjects[0])
	if len(changed) == 0 {
		return p, refuse("", "nothing would change: scan %s is already so", quoted(before.ScanName)).
			then("give the fields that should be different")
	}
	p.Summary = fmt.Sprintf("Update scan %s: change %s", quoted(before.ScanName), strings.Join(changed, ", "))
	p.Warnings = d.updateWarnings(before, dr, existing)
	if p.Request, err = request(defender.UpdateScan(before.ID, dr.Scan)); err != nil {
		return p, err
	}
	p.Snapshot, err = freeze(before)
	return p, err
}

// merge is the live scan with what was given over it.
func (d *Service) merge(ctx context.Context, by Caller, before defender.Definition, in scanInput) (draft, error) {
	if _, known := authTypes[before.ScanType]; !known {
		return draft{}, refuse("scanType", "scan %s is of type %s, which has settings beyond this API", quoted(before.ScanName), quoted(before.ScanType)).
			then("change it in the Defender portal")
	}
	dr := draft{Scan: sendable(before), scanner: before.ScannerAgent}
	if err := in.over(&dr, d.cfg.Policy.AddressesPerScan()); err != nil {
		return dr, err
	}
	if err := d.complete(ctx, by, in, &dr); err != nil {
		return dr, err
	}
	switch {
	case dr.MachineID == "":
		return dr, refuse("scannerAgent.machineId", "scan %s has lost its scanner", quoted(before.ScanName)).
			then("give scannerAgent.machineId as well")
	case dr.ScanType != before.ScanType && dr.ScanAuthenticationParams == nil:
		return dr, refuse("scanType", "a %s scan cannot use the stored credential of a %s scan", dr.ScanType, before.ScanType).
			then("%s", "give new credentials as well: "+waysToGive(d.cfg.Credentials))
	}
	return dr, nil
}

// keepsScanner reports whether the scan stays with the scanner that it had before.
func (d draft) keepsScanner(before defender.Definition) bool {
	return strings.EqualFold(d.MachineID, before.ScannerAgent.MachineID)
}

// changedFacts judge the scan as it would be, under both its names.
func (d *Service) changedFacts(before defender.Definition, was judged, dr draft) confirm.Facts {
	will := judged{names: []string{before.ScanName, dr.ScanName}, target: dr.Target, scanner: dr.scanner}
	if dr.keepsScanner(before) {
		will.scanner, will.alias = was.scanner, was.alias
	}
	f := factsOf(d.cfg.Now(), will)
	if auth := dr.ScanAuthenticationParams; auth != nil {
		f.Credential, f.ReplacesSecret = auth.Credential, true
	}
	return f
}

// sendable is a live definition as an update sends it back.
func sendable(d defender.Definition) defender.Scan {
	return defender.Scan{
		ScanType: d.ScanType, ScanName: d.ScanName, IsActive: d.IsActive, Target: d.Target,
		IntervalInHours: d.IntervalInHours, TargetType: d.TargetType, MachineID: d.ScannerAgent.MachineID,
	}
}

// changedSubject lists every field, so that a person also sees what stays.
func (d *Service) changedSubject(before defender.Definition, dr draft) confirm.Subject {
	now, auth := d.cfg.Now(), dr.ScanAuthenticationParams
	id, kept := line{"id", shown(before.ID)}, line{"credential", "kept"}
	was := append([]line{id}, append(scanLines(sendable(before), before.ScannerAgent, now), kept)...)
	if auth != nil {
		kept.text = "replaced by " + credentialText(auth)
	}
	will := append([]line{id}, append(scanLines(dr.Scan, dr.scanner, now), kept)...)
	if auth != nil {
		will = append(will, authenticationLines(auth)...)
		was[len(was)-1].text = "as stored in Defender"
	}
	return confirm.Subject{Title: shown(before.ScanName), Fields: fields(was, will)}
}

// changedFields names what differs; the count of addresses and the parts of a credential follow from others.
func changedFields(s confirm.Subject) []string {
	var names []string
	for _, f := range s.Fields {
		if f.Before != f.After && f.Name != "addresses" && !strings.HasPrefix(f.Name, "scanAuthenticationParams.") {
			names = append(names, f.Name+briefly(f))
		}
	}
	return names
}

// briefly adds what becomes of a field, where that is short enough for a headline.
func briefly(f confirm.Field) string {
	if f.Before == "" || f.After == "" || len(f.Before)+len(f.After) > 60 {
		return ""
	}
	return " from " + f.Before + " to " + f.After
}

func (d *Service) updateWarnings(before defender.Definition, dr draft, existing []defender.Definition) []string {
	var out []string
	if dr.ScanAuthenticationParams != nil {
		out = append(out, noUndo)
	}
	if dr.ScanName != before.ScanName {
		out = append(out, dr.duplicateName(before.ID, existing)...)
	}
	return append(out, dr.warnings(before.ID, existing, d.cfg.Now())...)
}
