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
	Filter string `json:"filter" jsonschema:"example=core" jsonschema_description:"List only the scans whose name, id, target or scanner contains this text"`
	offsetInput
}

// listScansOutput is the list of the scans that match. It requires no field, because a refusal has none of them.
type listScansOutput struct {
	Total int          `json:"total"` // the number of matching scans, also of those that are left out here
	Scans []listedScan `json:"scans"`
	Next  string       `json:"next,omitempty" jsonschema:"-"` // how to get the rest

	page offsetInput
}

// listedScan is a definition as lists show it. The details of its scanner, which scans share, are those of list_scanners.
type listedScan struct {
	ID              string              `json:"id"`
	ScanType        string              `json:"scanType"`
	ScanName        string              `json:"scanName"`
	IsActive        bool                `json:"isActive"`
	Target          string              `json:"target"`
	TargetType      string              `json:"targetType"`
	IntervalInHours *int                `json:"intervalInHours"`
	CreatedBy       string              `json:"createdBy,omitempty"`
	ScannerAgent    listedScanner       `json:"scannerAgent"`
	LatestScan      defender.LatestScan `json:"latestScan"`
}

// listedScanner identifies the scanner of a scan.
type listedScanner struct {
	MachineID string `json:"machineId"`
	Name      string `json:"name,omitempty"`
}

func (s *Service) listScans(ctx context.Context, by Caller, in listScansInput) (listScansOutput, error) {
	if err := in.checkOffset(); err != nil {
		return listScansOutput{}, err
	}
	all, err := s.live.definitions.load(ctx, by)
	if err != nil {
		return listScansOutput{}, err
	}
	matching := []listedScan{}
	for _, s := range all {
		a := s.ScannerAgent
		if containsFold(in.Filter, s.ScanName, s.ID, s.Target, a.Name, a.MachineID) {
			matching = append(matching, toListedScan(escapeScan(s)))
		}
	}
	return listScansOutput{Total: len(matching), Scans: skip(matching, in.Offset), page: in.offsetInput}, nil
}

func toListedScan(d defender.Definition) listedScan {
	return listedScan{
		ID: d.ID, ScanType: d.ScanType, ScanName: d.ScanName, IsActive: d.IsActive, Target: d.Target, TargetType: d.TargetType,
		IntervalInHours: d.IntervalInHours, CreatedBy: d.CreatedBy,
		ScannerAgent: listedScanner{MachineID: d.ScannerAgent.MachineID, Name: d.ScannerAgent.Name}, LatestScan: d.LatestScan,
	}
}

// Len implements List.
func (o listScansOutput) Len() int { return len(o.Scans) }

// First implements List.
func (o listScansOutput) First(n int) List {
	o.Scans = o.Scans[:n]
	o.Next = o.page.nextPage("list_scans", n, o.Total)
	return o
}

// Shortened implements List.
func (o listScansOutput) Shortened() List {
	s := o.Scans[0]
	shortenTexts(maxShortTarget, &s.Target)
	shortenTexts(maxShortText, &s.ID, &s.ScanType, &s.ScanName, &s.TargetType, &s.CreatedBy, &s.ScannerAgent.MachineID,
		&s.ScannerAgent.Name, &s.LatestScan.Status, &s.LatestScan.FailureReason)
	o.Scans = []listedScan{s}
	return o.First(1)
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
