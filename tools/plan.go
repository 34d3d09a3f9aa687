package tools

import (
	"context"
	"strings"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// complete gives a draft its scanner and credential, which need more than the input to be checked.
func (d *Service) complete(ctx context.Context, by Caller, in scanInput, dr *draft) error {
	if err := d.chooseScanner(ctx, by, in.ScannerAgent, dr); err != nil {
		return err
	}
	auth, err := in.authenticate(dr.ScanType, d.cfg.Credentials)
	if err != nil || auth == nil {
		return err
	}
	if auth.KeyVaultURL != "" {
		auth.KeyVaultField, dr.unsureVault = d.vaultField(ctx, by)
	}
	dr.ScanAuthenticationParams = auth
	return nil
}

// vaultField is how the service's $metadata spells keyVaultUrl, which Microsoft's pages contradict. When it
// cannot be read, the pages' spelling is sent, which is unsure, and the next plan asks again.
func (d *Service) vaultField(ctx context.Context, by Caller) (name string, unsure bool) {
	Progress(ctx, "reading how Defender names its Key Vault field")
	if name, err := d.live.vaultField.get(ctx, by); err == nil && name != "" {
		return name, false
	}
	return "keyVaultUrl", true
}

// chooseScanner resolves the scanner that was asked for; the one a scan has already is not looked up.
func (d *Service) chooseScanner(ctx context.Context, by Caller, in *scannerInput, dr *draft) error {
	if in == nil {
		return nil
	}
	ref := orZero(in.MachineID)
	if ref == "" {
		ref = orZero(in.MachineName)
	}
	if ref == "" {
		return refuse("scannerAgent.machineId", "scannerAgent.machineId is missing").then("call list_scanners and use a machineId from there")
	}
	if dr.MachineID != "" && strings.EqualFold(ref, dr.MachineID) {
		return nil
	}
	all, err := d.live.scanners.get(ctx, by)
	if err != nil {
		return err
	}
	s, err := findScanner(ref, all)
	if err != nil {
		return err
	}
	if name := orZero(in.MachineName); name != "" && !sameName(name, s.Name) {
		return refuse("scannerAgent.machineName", "scannerAgent.machineName is %s, but the machine %s is %s", quoted(name), quoted(ref), quoted(s.Name)).
			then("leave machineName out")
	}
	if s.MachineID != dr.MachineID {
		dr.MachineID, dr.scanner = s.MachineID, s
	}
	return nil
}

// request freezes a write.
func request(w defender.Write, err error) (confirm.Request, error) {
	return confirm.Request{Method: w.Method, Path: w.Path, Body: w.Body}, err
}
