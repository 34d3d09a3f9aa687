package tools

import (
	"context"
	"fmt"
	"strings"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
)

var deleteScans = proposing(Operation{
	Name:        "delete_scans",
	Title:       "Delete scans",
	Description: "Ask a person to confirm deleting one or more scans, with their stored credentials.",
	Destructive: true,
	Idempotent:  true,
}, (*Service).planDelete, settleDelete)

type deleteInput struct {
	IDs []string `json:"scanDefinitionIds" also:"ScanDefinitionIds" jsonschema:"required,example=289224fb-1686-472c-9751-5555960854ca" jsonschema_description:"Or unique names"`
}

func (d *Service) planDelete(ctx context.Context, by Caller, in deleteInput) (confirm.Proposal, error) {
	if len(in.IDs) == 0 {
		return confirm.Proposal{}, refuse("scanDefinitionIds", "scanDefinitionIds is missing or empty").
			then("call list_scans and use ids from there")
	}
	existing, err := d.live.definitions.get(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	doomed, err := findScans("scanDefinitionIds", in.IDs, existing)
	if err != nil {
		return confirm.Proposal{}, err
	}
	if most := d.cfg.Policy.ScansPerDelete(); len(doomed) > most {
		return confirm.Proposal{}, refuse("scanDefinitionIds", "%d scans at once are more than the %d that policy allows", len(doomed), most).
			then("delete them in smaller groups, or have an operator raise max_scans_per_delete")
	}
	scanners, err := d.live.scanners.get(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	p := confirm.Proposal{Summary: deleteSummary(doomed), Warnings: []string{lostForGood}}
	ids, found := make([]string, len(doomed)), make([]judged, len(doomed))
	for i, scan := range doomed {
		ids[i] = scan.ID
		scan, found[i], _ = seenNow(scan, scanners)
		p.Subjects = append(p.Subjects, doomedSubject(scan, d.cfg.Now()))
		p.Warnings = append(p.Warnings, lookalike("scanName", scan.ScanName)...)
	}
	p.Facts = factsOf(d.cfg.Now(), found...)
	if p.Request, err = request(defender.DeleteScans(ids)); err != nil {
		return p, err
	}
	p.Snapshot, err = freeze(doomed...)
	return p, err
}

func deleteSummary(doomed []defender.Definition) string {
	titles := make([]string, len(doomed))
	for i, scan := range doomed {
		titles[i] = quoted(scan.ScanName)
	}
	return fmt.Sprintf("Delete %s: %s", counted(uint64(len(doomed)), "scan", "scans"), listed(titles, 10))
}

// doomedSubject is all there is of a scan, so that it could be made again by hand; only its credential could not.
func doomedSubject(d defender.Definition, now time.Time) confirm.Subject {
	before := append([]line{{"id", shown(d.ID)}}, scanLines(sendable(d), d.ScannerAgent, now)...)
	before = append(before,
		line{"credential", "as stored in Defender"},
		line{"createdBy", shown(d.CreatedBy)},
		line{"latestScan", lastResult(d.LatestScan, now)})
	return confirm.Subject{Title: shown(d.ScanName), Fields: fields(before, nil)}
}

// lastResult says how the latest run ended; a status of null means that there was none.
func lastResult(l defender.LatestScan, now time.Time) string {
	if l.Status == "" {
		return "never ran"
	}
	parts := []string{shown(l.Status), age(l.ExecutionDateTime, now)}
	if l.FailureReason != "" {
		parts = append(parts, clipped(l.FailureReason, 300))
	}
	return strings.Join(parts, ", ")
}
