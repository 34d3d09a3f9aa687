package tools

import (
	"context"

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

// freezeRequest returns a write as a change keeps it.
func freezeRequest(w defender.Write, err error) (confirm.Request, error) {
	return confirm.Request{Method: w.Method, Path: w.Path, Body: w.Body}, err
}
