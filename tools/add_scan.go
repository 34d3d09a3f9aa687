package tools

import (
	"context"
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"

	"scanwarden/confirm"
	"scanwarden/defender"
)

var addScan = newProposalOperation(Operation{
	Name:        "add_scan",
	Title:       "Add scan",
	Description: "Propose a new authenticated scan. A person sees the exact change and confirms or denies it. Nothing is sent to Defender before.",
}, (*Service).planAdd, reconcileAdd)

type addInput struct {
	scanInput `defaults:"isActive"`
}

// JSONSchemaExtend requires the fields without which a new scan is refused.
func (addInput) JSONSchemaExtend(s *jsonschema.Schema) {
	s.Required = []string{"scanType", "scanName", "target", "intervalInHours", "scannerAgent"}
	if p, ok := s.Properties.Get("isActive"); ok {
		p.Default = true
	}
}

func (s *Service) planAdd(ctx context.Context, by Caller, in addInput) (confirm.Proposal, error) {
	if err := in.checkRequired(s.cfg.Credentials); err != nil {
		return confirm.Proposal{}, err
	}
	dr := draft{Scan: defender.Scan{IsActive: true}}
	if err := in.applyTo(&dr, s.cfg.Policy.AddressesPerScan()); err != nil {
		return confirm.Proposal{}, err
	}
	existing, err := s.live.definitions.load(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	if err := s.resolveReferences(ctx, by, in.scanInput, &dr); err != nil {
		return confirm.Proposal{}, err
	}
	p := confirm.Proposal{
		Summary:  fmt.Sprintf("Add %s scan %s: %s, every %s, from scanner %s", dr.ScanType, quote(dr.ScanName), addressCount(dr.target), formatHours(*dr.IntervalInHours), quote(dr.scanner.Name)),
		Subjects: []confirm.Subject{s.newSubject(dr)},
		Warnings: append(similarNameWarnings("", dr.ScanName, existing), dr.allWarnings("", existing, s.cfg.Now())...),
		Facts:    factsOf(s.cfg.Now(), scanFacts{names: []string{dr.ScanName}, target: dr.Target, scanner: dr.scanner}),
	}
	p.Facts.Credential = dr.ScanAuthenticationParams.Credential
	if p.Request, err = freezeRequest(defender.AddScan(dr.Scan)); err != nil {
		return p, err
	}
	if p.Keys, err = newScanKeys(dr.Scan); err != nil {
		return p, err
	}
	p.Snapshot, err = snapshotIDs(existing)
	return p, err
}

// checkRequired returns one *Refusal that names every missing field.
func (in addInput) checkRequired(credentials map[string]Credential) error {
	var missing []string
	for _, f := range []struct {
		name string
		left bool
	}{
		{"scanType", in.ScanType == nil}, {"scanName", in.ScanName == nil}, {"target", in.Target == nil},
		{"intervalInHours", in.IntervalInHours == nil}, {"scannerAgent.machineId", in.ScannerAgent == nil},
	} {
		if f.left {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return refuse(missing[0], "missing: %s", strings.Join(missing, ", ")).withHint("ask the person for what you do not know")
	}
	if in.Authentication == nil && in.Credential == nil {
		return refuse("credential", "a new scan needs credentials").withHint("%s", credentialHelp(credentials))
	}
	return nil
}

func (s *Service) newSubject(dr draft) confirm.Subject {
	after := append(scanLines(dr.Scan, dr.scanner, s.cfg.Now()), fieldLine{"credential", credentialText(dr.ScanAuthenticationParams)})
	after = append(after, authenticationLines(dr.ScanAuthenticationParams)...)
	return confirm.Subject{Title: escapeInvisible(dr.ScanName), Fields: diffFields(nil, after)}
}

func formatHours(n int) string { return plural(uint64(n), "hour", "hours") }
