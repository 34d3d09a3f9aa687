package tools

import (
	"context"

	"scanwarden/defender"
)

var listScanners = newCallOperation(Operation{
	Name:        "list_scanners",
	Title:       "List scanners",
	Description: "List the scanners: the machines that can run authenticated scans.",
	Idempotent:  true,
	OpenWorld:   true,
}, (*Service).listScanners)

type listScannersInput struct {
	Filter string `json:"filter" jsonschema:"example=scanner-1" jsonschema_description:"List only the scanners whose name or machineId contains this text"`
	offsetInput
}

// listScannersOutput is the list of the scanners that match. It requires no field, because a refusal has none of them.
type listScannersOutput struct {
	Total    int                `json:"total"` // the number of matching scanners, also of those that are left out here
	Scanners []defender.Scanner `json:"scanners"`
	Next     string             `json:"next,omitempty" jsonschema:"-"` // how to get the rest

	page offsetInput
}

func (s *Service) listScanners(ctx context.Context, by Caller, in listScannersInput) (listScannersOutput, error) {
	if err := in.checkOffset(); err != nil {
		return listScannersOutput{}, err
	}
	all, err := s.live.scanners.load(ctx, by)
	if err != nil {
		return listScannersOutput{}, err
	}
	matching := []defender.Scanner{}
	for _, s := range all {
		if containsFold(in.Filter, s.Name, s.MachineID, s.ID) {
			matching = append(matching, escapeScanner(s))
		}
	}
	return listScannersOutput{Total: len(matching), Scanners: skip(matching, in.Offset), page: in.offsetInput}, nil
}

// Len implements List.
func (o listScannersOutput) Len() int { return len(o.Scanners) }

// First implements List.
func (o listScannersOutput) First(n int) List {
	o.Scanners = o.Scanners[:n]
	o.Next = o.page.nextPage("list_scanners", n, o.Total)
	return o
}

// Shortened implements List.
func (o listScannersOutput) Shortened() List {
	s := o.Scanners[0]
	shortenTexts(maxShortText, &s.ID, &s.MachineID, &s.Name, &s.ScannerSoftwareVersion)
	o.Scanners = []defender.Scanner{s}
	return o.First(1)
}

func escapeScanner(s defender.Scanner) defender.Scanner {
	s.ID, s.MachineID, s.Name = escapeInvisible(s.ID), escapeInvisible(s.MachineID), escapeInvisible(s.Name)
	s.ScannerSoftwareVersion = escapeInvisible(s.ScannerSoftwareVersion)
	return s
}
