package tools

import (
	"context"
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"

	"scanwarden/confirm"
	"scanwarden/defender"
)

var addScan = proposing(Operation{
	Name:        "add_scan",
	Title:       "Add scan",
	Description: "Ask a person to confirm a new authenticated scan. Nothing is sent before they do.",
}, (*Service).planAdd, settleAdd)

type addInput struct{ scanInput }

// JSONSchemaExtend says what a new scan cannot do without.
func (addInput) JSONSchemaExtend(s *jsonschema.Schema) {
	s.Required = []string{"scanType", "scanName", "target", "intervalInHours", "scannerAgent"}
	if p, ok := s.Properties.Get("isActive"); ok {
		p.Default = true
	}
}

func (d *Service) planAdd(ctx context.Context, by Caller, in addInput) (confirm.Proposal, error) {
	if err := in.checkRequired(d.cfg.Credentials); err != nil {
		return confirm.Proposal{}, err
	}
	dr := draft{Scan: defender.Scan{IsActive: true}}
	if err := in.over(&dr, d.cfg.Policy.AddressesPerScan()); err != nil {
		return confirm.Proposal{}, err
	}
	existing, err := d.live.definitions.get(ctx, by)
	if err != nil {
		return confirm.Proposal{}, err
	}
	if err := d.complete(ctx, by, in.scanInput, &dr); err != nil {
		return confirm.Proposal{}, err
	}
	p := confirm.Proposal{
		Summary:  fmt.Sprintf("Add %s scan %s: %s, every %s, from scanner %s", dr.ScanType, quoted(dr.ScanName), countedAddresses(dr.target), hours(*dr.IntervalInHours), quoted(dr.scanner.Name)),
		Subjects: []confirm.Subject{d.newSubject(dr)},
		Warnings: append(dr.duplicateName("", existing), dr.warnings("", existing, d.cfg.Now())...),
		Facts:    factsOf(d.cfg.Now(), judged{names: []string{dr.ScanName}, target: dr.Target, scanner: dr.scanner}),
	}
	p.Facts.Credential = dr.ScanAuthenticationParams.Credential
	if p.Request, err = request(defender.AddScan(dr.Scan)); err != nil {
		return p, err
	}
	p.Snapshot, err = freezeIDs(existing)
	return p, err
}

// checkRequired names everything that is missing at once.
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
		return refuse(missing[0], "missing: %s", strings.Join(missing, ", ")).then("ask the person for what you do not know")
	}
	if in.Authentication == nil && in.Credential == nil {
		return refuse("credential", "a new scan needs credentials").then("%s", waysToGive(credentials))
	}
	return nil
}

func (d *Service) newSubject(dr draft) confirm.Subject {
	after := append(scanLines(dr.Scan, dr.scanner, d.cfg.Now()), line{"credential", credentialText(dr.ScanAuthenticationParams)})
	after = append(after, authenticationLines(dr.ScanAuthenticationParams)...)
	return confirm.Subject{Title: shown(dr.ScanName), Fields: fields(nil, after)}
}

func hours(n int) string { return counted(uint64(n), "hour", "hours") }
