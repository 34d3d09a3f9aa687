package tools

import (
	"context"
	"strings"

	"scanwarden/defender"
)

var listScans = newCallOperation(Operation{
	Name:        "list_scans",
	Title:       "List scans",
	Description: "List the authenticated scans in Microsoft Defender, each with its id, target, scanner and latest run.",
	Idempotent:  true,
	OpenWorld:   true,
}, (*Service).listScans)

type listScansInput struct {
	Filter string `json:"filter" jsonschema:"example=core" jsonschema_description:"Only scans whose name, id, target or scanner contains this text"`
}

type listScansOutput struct {
	Scans []defender.Definition `json:"scans" jsonschema:"required"`
}

func (s *Service) listScans(ctx context.Context, by Caller, in listScansInput) (listScansOutput, error) {
	all, err := s.live.definitions.load(ctx, by)
	if err != nil {
		return listScansOutput{}, err
	}
	out := listScansOutput{Scans: []defender.Definition{}}
	for _, s := range all {
		a := s.ScannerAgent
		if containsFold(in.Filter, s.ScanName, s.ID, s.Target, a.Name, a.MachineID) {
			out.Scans = append(out.Scans, escapeScan(s))
		}
	}
	return out, nil
}

// escapeScan returns a definition with the invisible characters of its texts escaped.
func escapeScan(d defender.Definition) defender.Definition {
	for _, s := range []*string{
		&d.ID, &d.ScanType, &d.ScanName, &d.Target, &d.TargetType, &d.OrgID, &d.CreatedBy,
		&d.LatestScan.Status, &d.LatestScan.FailureReason,
	} {
		*s = escapeInvisible(*s)
	}
	d.ScannerAgent = escapeScanner(d.ScannerAgent)
	return d
}

// containsFold reports whether a text contains the filter, ignoring letter case.
func containsFold(filter string, texts ...string) bool {
	filter = strings.ToLower(strings.TrimSpace(filter))
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), filter) {
			return true
		}
	}
	return false
}
