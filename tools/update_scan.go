package tools

import (
	"context"
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"

	"scanwarden/confirm"
	"scanwarden/defender"
)

var updateScan = newProposalOperation(Operation{
	Name:        "update_scan",
	Title:       "Update scan",
	Description: "Propose to change a scan. A person has to confirm before anything is sent. Give only the fields that change; the stored credential stays unless you give a new one.",
	Destructive: true,
	Idempotent:  true,
}, (*Service).planUpdate, reconcileUpdate)

type updateInput struct {
	ID *string `json:"id" jsonschema:"example=Core switches" jsonschema_description:"Id or unique name of the scan to change"`
	scanInput
}

// JSONSchemaExtend requires only the id.
func (updateInput) JSONSchemaExtend(s *jsonschema.Schema) { s.Required = []string{"id"} }

// planUpdate merges the input into the live definition. Every field is sent except the credential, which Microsoft
// documents as optional here: no page describes what a partial update does to the fields that it leaves out.
func (s *Service) planUpdate(ctx context.Context, by Caller, in updateInput) (confirm.Proposal, error) {
	if orZero(in.ID) == "" {
		return confirm.Proposal{}, refuse("id", "id is missing").withHint("call list_scans and use an id from there")
	}
	existing, err := s.live.definitions.load(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	found, err := findScans("id", []string{*in.ID}, existing)
	if err != nil {
		return confirm.Proposal{}, err
	}
	scanners, err := s.live.scanners.load(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	before, beforeFacts, listed := withLastSeen(found[0], scanners)
	dr, err := s.mergeScan(ctx, by, before, in.scanInput)
	if err != nil {
		return confirm.Proposal{}, err
	}
	dr.scannerUnlisted = !listed && dr.keepsScanner(before)
	p := confirm.Proposal{
		Subjects: []confirm.Subject{s.changedSubject(before, dr)},
		Facts:    s.changedFacts(before, beforeFacts, dr),
		Keys:     scanKeys(before.ID),
	}
	changed := changedFields(p.Subjects[0])
	if len(changed) == 0 {
		return p, refuse("", "nothing would change: scan %s is already so", quote(before.ScanName)).
			withHint("give the fields that should be different")
	}
	p.Summary = fmt.Sprintf("Update scan %s: change %s", quote(before.ScanName), strings.Join(changed, ", "))
	p.Warnings = s.updateWarnings(before, dr, existing)
	if p.Request, err = freezeRequest(defender.UpdateScan(before.ID, dr.Scan)); err != nil {
		return p, err
	}
	p.Snapshot, err = snapshotScans(before)
	return p, err
}

// mergeScan returns the live scan with the given fields set.
func (s *Service) mergeScan(ctx context.Context, by Caller, before defender.Definition, in scanInput) (draft, error) {
	if _, known := authTypes[before.ScanType]; !known {
		return draft{}, refuse("scanType", "scan %s is of type %s, which has settings beyond this API", quote(before.ScanName), quote(before.ScanType)).
			withHint("change it in the Defender portal")
	}
	dr := draft{Scan: scanFrom(before), scanner: before.ScannerAgent}
	if err := in.applyTo(&dr, s.cfg.Policy.AddressesPerScan()); err != nil {
		return dr, err
	}
	if err := s.resolveReferences(ctx, by, in, &dr); err != nil {
		return dr, err
	}
	switch {
	case dr.MachineID == "":
		return dr, refuse("scannerAgent.machineId", "scan %s has lost its scanner", quote(before.ScanName)).
			withHint("give scannerAgent.machineId as well")
	case dr.ScanType != before.ScanType && dr.ScanAuthenticationParams == nil:
		return dr, refuse("scanType", "a %s scan cannot use the stored credential of a %s scan", dr.ScanType, before.ScanType).
			withHint("%s", "give new credentials as well: "+credentialHelp(s.cfg.Credentials))
	}
	return dr, nil
}

// keepsScanner reports whether the scan stays with the scanner that it had before.
func (d draft) keepsScanner(before defender.Definition) bool {
	return strings.EqualFold(d.MachineID, before.ScannerAgent.MachineID)
}

// changedFacts returns the facts of the scan as it would be, under its names before and after.
func (s *Service) changedFacts(before defender.Definition, beforeFacts scanFacts, dr draft) confirm.Facts {
	afterFacts := scanFacts{names: []string{before.ScanName, dr.ScanName}, target: dr.Target, scanner: dr.scanner}
	if dr.keepsScanner(before) {
		afterFacts.scanner, afterFacts.alias = beforeFacts.scanner, beforeFacts.alias
	}
	f := factsOf(s.cfg.Now(), afterFacts)
	if auth := dr.ScanAuthenticationParams; auth != nil {
		f.Credential, f.ReplacesSecret = auth.Credential, true
	}
	return f
}

// scanFrom returns a live definition as an update sends it back.
func scanFrom(d defender.Definition) defender.Scan {
	return defender.Scan{
		ScanType: d.ScanType, ScanName: d.ScanName, IsActive: d.IsActive, Target: d.Target,
		IntervalInHours: d.IntervalInHours, TargetType: d.TargetType, MachineID: d.ScannerAgent.MachineID,
	}
}

// changedSubject returns every field, so that an approver also sees what stays.
func (s *Service) changedSubject(before defender.Definition, dr draft) confirm.Subject {
	now, auth := s.cfg.Now(), dr.ScanAuthenticationParams
	id, kept := fieldLine{"id", escapeInvisible(before.ID)}, fieldLine{"credential", "kept"}
	beforeLines := append([]fieldLine{id}, append(scanLines(scanFrom(before), before.ScannerAgent, now), kept)...)
	if auth != nil {
		kept.text = replacementText(auth)
	}
	afterLines := append([]fieldLine{id}, append(scanLines(dr.Scan, dr.scanner, now), kept)...)
	if auth != nil {
		afterLines = append(afterLines, authenticationLines(auth)...)
		beforeLines[len(beforeLines)-1].text = "as stored in Defender"
	}
	return confirm.Subject{Title: escapeInvisible(before.ScanName), Fields: diffFields(beforeLines, afterLines)}
}

// changedFields returns the names of the fields that differ. Notes and the parts of a credential follow from others.
func changedFields(s confirm.Subject) []string {
	var names []string
	for _, f := range s.Fields {
		if f.Before != f.After && !isNote(f.Name) && !strings.HasPrefix(f.Name, "scanAuthenticationParams.") {
			names = append(names, f.Name+shortTransition(f))
		}
	}
	return names
}

// shortTransition returns the change of a field if it is short enough for a headline, otherwise "". Text is quoted, or a
// name could read like another field.
func shortTransition(f confirm.Field) string {
	switch {
	case f.Before == "" || f.After == "" || len(f.Before)+len(f.After) > 60:
		return ""
	case f.Name == "isActive" || f.Name == "intervalInHours":
		return " from " + f.Before + " to " + f.After
	}
	return " from " + QuoteVisible(f.Before) + " to " + QuoteVisible(f.After)
}

func (s *Service) updateWarnings(before defender.Definition, dr draft, existing []defender.Definition) []string {
	var out []string
	if dr.ScanAuthenticationParams != nil {
		out = append(out, warnNoUndo)
	}
	if dr.ScanName != before.ScanName {
		out = append(out, similarNameWarnings(before.ID, dr.ScanName, existing)...)
	}
	return append(out, dr.allWarnings(before.ID, existing, s.cfg.Now())...)
}
