package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"scanwarden/defender"
)

// scannerInput names a scanner. The schema has machineId only. The other fields are those with which Defender,
// Microsoft365DSC and our own lists describe a scanner, so that their objects can be pasted: one that identifies the
// scanner must not contradict the others, and the rest is ignored.
type scannerInput struct {
	MachineID       *string `json:"machineId,omitempty" jsonschema:"example=scan-hq-01.contoso.example" jsonschema_description:"machineId from list_scanners, or the unique name of a scanner"`
	ID              *string `json:"id,omitempty" jsonschema:"-"`
	Name            *string `json:"name,omitempty" jsonschema:"-"`
	MachineName     *string `json:"machineName,omitempty" jsonschema:"-"`
	ComputerDNSName *string `json:"computerDnsName,omitempty" jsonschema:"-"`

	ODataType     any `json:"@odata.type,omitempty" jsonschema:"-" input:"ignored"`
	LastSeen      any `json:"lastSeen,omitempty" jsonschema:"-" input:"ignored"`
	Software      any `json:"scannerSoftwareVersion,omitempty" jsonschema:"-" input:"ignored"`
	Application   any `json:"assignedApplicationId,omitempty" jsonschema:"-" input:"ignored"`
	LastCommand   any `json:"lastCommandExecutionTimestamp,omitempty" jsonschema:"-" input:"ignored"`
	ClientVersion any `json:"mdeClientVersion,omitempty" jsonschema:"-" input:"ignored"`
}

// JSONSchemaExtend requires the one field of scannerAgent.
func (scannerInput) JSONSchemaExtend(s *jsonschema.Schema) { s.Required = []string{"machineId"} }

// scannerRef is one way in which the input names a scanner.
type scannerRef struct {
	field, text string
	matches     func(ref string, s defender.Scanner) bool
}

// references returns what the input identifies a scanner by, the surest first.
func (in scannerInput) references() []scannerRef {
	var out []scannerRef
	for _, r := range []struct {
		field   string
		given   *string
		matches func(string, defender.Scanner) bool
	}{
		{"machineId", in.MachineID, isScanner}, {"id", in.ID, isScanner},
		{"machineName", in.MachineName, hasScannerName}, {"computerDnsName", in.ComputerDNSName, hasScannerName},
		{"name", in.Name, hasScannerName},
	} {
		if text := strings.TrimSpace(orZero(r.given)); text != "" {
			out = append(out, scannerRef{"scannerAgent." + r.field, text, r.matches})
		}
	}
	return out
}

// isScanner reports whether ref is the machine id, the agent id or the name of s.
func isScanner(ref string, s defender.Scanner) bool {
	return hasScannerID(ref, s) || sameName(ref, s.Name)
}

func hasScannerID(ref string, s defender.Scanner) bool {
	return strings.EqualFold(s.MachineID, ref) || s.ID == ref
}

func hasScannerName(ref string, s defender.Scanner) bool { return sameName(ref, s.Name) }

// chooseScanner sets the requested scanner. The scanner that a scan already has is not looked up by its machine id
// alone.
func (s *Service) chooseScanner(ctx context.Context, by Caller, in *scannerInput, dr *draft) error {
	if in == nil {
		return nil
	}
	refs := in.references()
	if len(refs) == 0 {
		return refuse("scannerAgent.machineId", "scannerAgent.machineId is missing").withHint("call list_scanners and use a machineId from there")
	}
	if dr.MachineID != "" && len(refs) == 1 && strings.EqualFold(refs[0].text, dr.MachineID) {
		return nil
	}
	all, err := s.live.scanners.load(ctx, by)
	if err != nil {
		return err
	}
	found, err := findScanner(refs[0], all)
	if err != nil {
		return err
	}
	if err := s.checkSameScanner(ctx, by, refs, found); err != nil {
		return err
	}
	if found.MachineID != dr.MachineID {
		dr.MachineID, dr.scanner = found.MachineID, found
	}
	return nil
}

// checkSameScanner returns a *Refusal for the first reference that does not mean the scanner that the first one means.
// Scans may call their scanner by another name than the list of scanners, and list_scans returns that name.
func (s *Service) checkSameScanner(ctx context.Context, by Caller, refs []scannerRef, found defender.Scanner) error {
	for _, ref := range refs[1:] {
		if ref.matches(ref.text, found) {
			continue
		}
		scans, err := s.live.definitions.load(ctx, by)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(scans, func(d defender.Definition) bool {
			return strings.EqualFold(d.ScannerAgent.MachineID, found.MachineID) && ref.matches(ref.text, d.ScannerAgent)
		}) {
			continue
		}
		return refuse(ref.field, "%s is %s, but %s is %s, which means the scanner %s (%s)", ref.field, quote(ref.text),
			refs[0].field, quote(refs[0].text), quote(found.Name), quote(found.MachineID)).
			withHint("leave %s out, or correct it", lastPart(ref.field))
	}
	return nil
}

// findScanner returns the scanner with this machine id or agent id, or else the one with this name.
func findScanner(ref scannerRef, all []defender.Scanner) (defender.Scanner, error) {
	var namesakes []defender.Scanner
	for _, s := range all {
		if hasScannerID(ref.text, s) {
			return s, nil
		}
		if sameName(ref.text, s.Name) {
			namesakes = append(namesakes, s)
		}
	}
	switch len(namesakes) {
	case 0:
		return defender.Scanner{}, refuse(ref.field, "%s: there is no scanner with the machine id or name %s", ref.field, quote(ref.text)).
			withHint("%s", "use one of "+scannerList(all))
	case 1:
		return namesakes[0], nil
	}
	return defender.Scanner{}, refuse(ref.field, "%s: %s scanners are named %s", ref.field, groupDigits(uint64(len(namesakes))), quote(ref.text)).
		withHint("%s", "use one of their machine ids: "+scannerList(namesakes))
}
