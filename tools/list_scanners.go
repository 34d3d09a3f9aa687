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
	Filter string `json:"filter" jsonschema:"example=scanner-1" jsonschema_description:"Only scanners whose name or machineId contains this text"`
}

type listScannersOutput struct {
	Scanners []defender.Scanner `json:"scanners" jsonschema:"required"`
}

func (s *Service) listScanners(ctx context.Context, by Caller, in listScannersInput) (listScannersOutput, error) {
	all, err := s.live.scanners.load(ctx, by)
	if err != nil {
		return listScannersOutput{}, err
	}
	out := listScannersOutput{Scanners: []defender.Scanner{}}
	for _, s := range all {
		if containsFold(in.Filter, s.Name, s.MachineID, s.ID) {
			out.Scanners = append(out.Scanners, escapeScanner(s))
		}
	}
	return out, nil
}

func escapeScanner(s defender.Scanner) defender.Scanner {
	s.ID, s.MachineID, s.Name = escapeInvisible(s.ID), escapeInvisible(s.MachineID), escapeInvisible(s.Name)
	s.ScannerSoftwareVersion = escapeInvisible(s.ScannerSoftwareVersion)
	return s
}
