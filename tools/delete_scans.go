package tools

import (
	"context"
	"fmt"
	"strings"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
)

var deleteScans = newProposalOperation(Operation{
	Name:        "delete_scans",
	Title:       "Delete scans",
	Description: "Propose to delete one or more scans with their stored credentials. A person has to confirm before anything is deleted.",
	Destructive: true,
	Idempotent:  true,
}, (*Service).planDelete, reconcileDelete)

type deleteInput struct {
	IDs []string `json:"scanDefinitionIds" also:"ScanDefinitionIds" jsonschema:"required,example=289224fb-1686-472c-9751-5555960854ca" jsonschema_description:"Ids or unique names of the scans to delete"`
}

func (s *Service) planDelete(ctx context.Context, by Caller, in deleteInput) (confirm.Proposal, error) {
	if len(in.IDs) == 0 {
		return confirm.Proposal{}, refuse("scanDefinitionIds", "scanDefinitionIds is missing or empty").
			withHint("call list_scans and use ids from there")
	}
	existing, err := s.live.definitions.load(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	selected, err := findScans("scanDefinitionIds", in.IDs, existing)
	if err != nil {
		return confirm.Proposal{}, err
	}
	if limit := s.cfg.Policy.ScansPerDelete(); len(selected) > limit {
		return confirm.Proposal{}, refuse("scanDefinitionIds", "%d scans at once are more than the %d that policy allows", len(selected), limit).
			withHint("delete them in smaller groups, or have an operator raise max_scans_per_delete")
	}
	scanners, err := s.live.scanners.load(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	p := confirm.Proposal{Summary: deleteSummary(selected), Warnings: []string{warnCredentialLost}}
	ids, facts, names := make([]string, len(selected)), make([]scanFacts, len(selected)), newNameIndex(existing)
	for i, scan := range selected {
		ids[i] = scan.ID
		scan, facts[i], _ = withLastSeen(scan, scanners)
		p.Subjects = append(p.Subjects, deletedSubject(scan, s.cfg.Now()))
		p.Warnings = append(p.Warnings, deceptiveText("scanName", scan.ScanName)...)
		p.Warnings = append(p.Warnings, names.similarTo(scan.ID, scan.ScanName)...)
	}
	p.Facts = factsOf(s.cfg.Now(), facts...)
	if p.Request, err = freezeRequest(defender.DeleteScans(ids)); err != nil {
		return p, err
	}
	p.Snapshot, err = snapshotScans(selected...)
	return p, err
}

func deleteSummary(selected []defender.Definition) string {
	titles := make([]string, len(selected))
	for i, scan := range selected {
		titles[i] = quote(scan.ScanName)
	}
	return fmt.Sprintf("Delete %s: %s", plural(uint64(len(selected)), "scan", "scans"), joinLimited(titles, 10))
}

// deletedSubject returns every field of a scan, so that it can be created again by hand. Only its credential cannot
// be shown.
func deletedSubject(d defender.Definition, now time.Time) confirm.Subject {
	before := append([]fieldLine{{"id", escapeInvisible(d.ID)}}, scanLines(scanFrom(d), d.ScannerAgent, now)...)
	before = append(before,
		fieldLine{"credential", "as stored in Defender"},
		fieldLine{"createdBy", escapeInvisible(d.CreatedBy)},
		fieldLine{"latestScan", lastRunText(d.LatestScan, now)})
	return confirm.Subject{Title: escapeInvisible(d.ScanName), Fields: diffFields(before, nil)}
}

// lastRunText returns how the latest run ended. A status of null means that the scan never ran.
func lastRunText(l defender.LatestScan, now time.Time) string {
	if l.Status == "" {
		return "never ran"
	}
	parts := []string{escapeInvisible(l.Status), ageText(l.ExecutionDateTime, now)}
	if l.FailureReason != "" {
		parts = append(parts, truncate(l.FailureReason, 300))
	}
	return strings.Join(parts, ", ")
}
