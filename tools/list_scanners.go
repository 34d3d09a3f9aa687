package tools

import (
	"context"

	"scanwarden/defender"
)

var listScanners = answering(Operation{
	Name:        "list_scanners",
	Title:       "List scanners",
	Description: "List the machines that can carry out scans.",
	Idempotent:  true,
	OpenWorld:   true,
}, (*Service).listScanners)

type listScannersInput struct {
	Filter string `json:"filter" jsonschema:"example=scanner-1" jsonschema_description:"Part of name or machineId"`
}

type listScannersOutput struct {
	Scanners []defender.Scanner `json:"scanners" jsonschema:"required"`
}

func (d *Service) listScanners(ctx context.Context, by Caller, in listScannersInput) (listScannersOutput, error) {
	all, err := d.live.scanners.get(ctx, by)
	if err != nil {
		return listScannersOutput{}, err
	}
	out := listScannersOutput{Scanners: []defender.Scanner{}}
	for _, s := range all {
		if contains(in.Filter, s.Name, s.MachineID, s.ID) {
			out.Scanners = append(out.Scanners, readableScanner(s))
		}
	}
	return out, nil
}

func readableScanner(s defender.Scanner) defender.Scanner {
	s.ID, s.MachineID, s.Name = shown(s.ID), shown(s.MachineID), shown(s.Name)
	s.ScannerSoftwareVersion = shown(s.ScannerSoftwareVersion)
	return s
}
