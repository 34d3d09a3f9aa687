package tools

import (
	"context"
	"strings"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// resolveReferences sets the scanner and the credential of a draft, which cannot be checked from the input alone.
func (s *Service) resolveReferences(ctx context.Context, by Caller, in scanInput, dr *draft) error {
	if err := s.chooseScanner(ctx, by, in.ScannerAgent, dr); err != nil {
		return err
	}
	auth, err := in.resolveAuthentication(dr.ScanType, s.cfg.Credentials)
	if err != nil || auth == nil {
		return err
	}
	if auth.KeyVaultURL != "" {
		auth.KeyVaultField, dr.vaultFieldGuessed = s.vaultField(ctx, by)
	}
	dr.ScanAuthenticationParams = auth
	return nil
}

// vaultField returns how the service's $metadata spells keyVaultUrl, which Microsoft's pages contradict. If it cannot
// be read, the pages' spelling is returned as unsure, and the next plan reads again.
func (s *Service) vaultField(ctx context.Context, by Caller) (name string, unsure bool) {
	Progress(ctx, "reading how Defender names its Key Vault field")
	if name, err := s.live.vaultField.load(ctx, readRequest{by, defender.PlanCall}); err == nil && name != "" {
		return name, false
	}
	return "keyVaultUrl", true
}

// chooseScanner sets the requested scanner. The scanner that a scan already has is not looked up.
func (s *Service) chooseScanner(ctx context.Context, by Caller, in *scannerInput, dr *draft) error {
	if in == nil {
		return nil
	}
	ref := orZero(in.MachineID)
	if ref == "" {
		ref = orZero(in.MachineName)
	}
	if ref == "" {
		return refuse("scannerAgent.machineId", "scannerAgent.machineId is missing").withHint("call list_scanners and use a machineId from there")
	}
	if dr.MachineID != "" && strings.EqualFold(ref, dr.MachineID) {
		return nil
	}
	all, err := s.live.scanners.load(ctx, by)
	if err != nil {
		return err
	}
	found, err := findScanner(ref, all)
	if err != nil {
		return err
	}
	if name := orZero(in.MachineName); name != "" && !sameName(name, found.Name) {
		return refuse("scannerAgent.machineName", "scannerAgent.machineName is %s, but the machine %s is %s", quote(name), quote(ref), quote(found.Name)).
			withHint("leave machineName out")
	}
	if found.MachineID != dr.MachineID {
		dr.MachineID, dr.scanner = found.MachineID, found
	}
	return nil
}

// freezeRequest returns a write as a change keeps it.
func freezeRequest(w defender.Write, err error) (confirm.Request, error) {
	return confirm.Request{Method: w.Method, Path: w.Path, Body: w.Body}, err
}
