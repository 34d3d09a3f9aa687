package tools

import (
	"context"
	"strings"

	"scanwarden/defender"
)

var listScans = answering(Operation{
	Name:        "list_scans",
	Title:       "List scans",
	Description: "List Defender's authenticated scans.",
	Idempotent:  true,
	OpenWorld:   true,
}, (*Service).listScans)

type listScansInput struct {
	Filter string `json:"filter" jsonschema:"example=core" jsonschema_description:"Part of name, id, target or scanner"`
}

type listScansOutput struct {
	Scans []defender.Definition `json:"scans" jsonschema:"required"`
}

func (d *Service) listScans(ctx context.Context, by Caller, in listScansInput) (listScansOutput, error) {
	all, err := d.live.definitions.get(ctx, by)
	if err != nil {
		return listScansOutput{}, err
	}
	out := listScansOutput{Scans: []defender.Definition{}}
	for _, s := range all {
		a := s.ScannerAgent
		if contains(in.Filter, s.ScanName, s.ID, s.Target, a.Name, a.MachineID) {
			out.Scans = append(out.Scans, readable(s))
		}
	}
	return out, nil
}

// readable is a definition with nothing hidden in its texts.
func readable(d defender.Definition) defender.Definition {
	for _, s := range []*string{
		&d.ID, &d.ScanType, &d.ScanName, &d.Target, &d.TargetType, &d.OrgID, &d.CreatedBy,
		&d.LatestScan.Status, &d.LatestScan.FailureReason,
	} {
		*s = shown(*s)
	}
	d.ScannerAgent = readableScanner(d.ScannerAgent)
	return d
}

// contains reports whether any text contains the filter, letter case aside.
func contains(filter string, texts ...string) bool {
	filter = strings.ToLower(strings.TrimSpace(filter))
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), filter) {
			return true
		}
	}
	return false
}
