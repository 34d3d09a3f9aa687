package tools

import (
	"errors"
	"slices"
	"strings"

	"scanwarden/defender"
	"scanwarden/tools/internal/target"
)

// scanInput is the fields of a scan in Microsoft's spelling and order, so that its examples can be pasted. A nil
// field was left out.
type scanInput struct {
	ScanType        *string              `json:"scanType,omitempty" jsonschema:"enum=Network,enum=Windows,example=Network" jsonschema_description:"What is scanned: network devices by SNMP, or Windows devices"`
	ScanName        *string              `json:"scanName,omitempty" jsonschema:"example=Core switches" jsonschema_description:"Name of the scan, 1 to 128 characters"`
	IsActive        *bool                `json:"isActive,omitempty" jsonschema_description:"Whether the scan runs by its schedule; false pauses it without deleting it"`
	Target          *string              `json:"target,omitempty" input:"joined" jsonschema:"example=192.0.2.10\\,192.0.2.16/28" jsonschema_description:"What to scan, separated by commas: IP addresses, CIDRs and ranges like 192.0.2.1-192.0.2.9, or else only hostnames"`
	IntervalInHours *int                 `json:"intervalInHours,omitempty" jsonschema:"minimum=1,maximum=720,example=4" jsonschema_description:"Number of hours from one run of the scan to the next"`
	TargetType      *string              `json:"targetType,omitempty" jsonschema:"enum=Ip,enum=Hostname,example=Ip" jsonschema_description:"Whether target has IP addresses or hostnames; derived from target if left out"`
	ScannerAgent    *scannerInput        `json:"scannerAgent,omitempty" jsonschema_description:"The scanner: the machine that runs the scan"`
	Authentication  *authenticationInput `json:"scanAuthenticationParams,omitempty" jsonschema_description:"How the scanner signs in to the targets. Never give a secret: use credential, or a Key Vault secret"`
	Credential      *string              `json:"credential,omitempty" jsonschema:"example=core-snmp" jsonschema_description:"Name of a configured credential; or \"ask\" beside scanAuthenticationParams: the approver types the secrets"`
}

// draft is a scan while it is planned: what would be sent, and what else is known about it.
type draft struct {
	defender.Scan
	scanner defender.Scanner // runs the scan
	target  target.Target    // zero if the target of a live scan stays as it is

	scannerUnlisted   bool // Defender does not list the scanner
	vaultFieldGuessed bool // the name of the Key Vault field is a guess
}

// applyTo checks the given plain fields and sets them in d. resolveReferences sets the scanner and the credential
// afterwards.
func (in scanInput) applyTo(d *draft, mostAddresses int) error {
	for _, set := range []func(*draft) error{in.setType, in.setName, in.setInterval} {
		if err := set(d); err != nil {
			return err
		}
	}
	if in.IsActive != nil {
		d.IsActive = *in.IsActive
	}
	return in.setTarget(d, mostAddresses)
}

func (in scanInput) setType(d *draft) (err error) {
	if in.ScanType != nil {
		d.ScanType, err = oneOf("scanType", *in.ScanType, "Network", "Windows")
	}
	return err
}

// setName refuses a name with characters that an approver could not see. The bound of 128 is ours: Microsoft states
// none.
func (in scanInput) setName(d *draft) error {
	if in.ScanName == nil {
		return nil
	}
	name := strings.TrimSpace(*in.ScanName)
	if err := checkText("scanName", name, 128); err != nil {
		return err
	}
	d.ScanName = name
	return nil
}

// setInterval enforces our own bounds: Microsoft documents none, its examples use 1 to 8 and its portal starts at 4.
// How the portal's "Don't repeat" looks on the wire is unknown, so a single run is not offered.
func (in scanInput) setInterval(d *draft) error {
	if in.IntervalInHours == nil {
		return nil
	}
	if n := *in.IntervalInHours; n < 1 || n > 720 {
		return refuse("intervalInHours", "intervalInHours must be a whole number from 1 to 720 (our bounds: Microsoft documents none), not %d", n)
	}
	d.IntervalInHours = in.IntervalInHours
	return nil
}

// setTarget checks target and targetType against each other. Either may be given alone.
func (in scanInput) setTarget(d *draft, mostAddresses int) error {
	if in.Target == nil && in.TargetType == nil {
		return nil
	}
	kind, text := "", d.Target
	if in.TargetType != nil {
		var err error
		if kind, err = targetType(*in.TargetType); err != nil {
			return err
		}
	}
	if in.Target != nil {
		text = *in.Target
	}
	if text != "" && text == d.Target && (kind == "" || kind == d.TargetType) {
		return nil // unchanged: the text of a live scan is not made canonical
	}
	t, err := parseTarget(text, kind)
	if err != nil {
		return err
	}
	if t.Count() > uint64(mostAddresses) {
		return refuse("target", "target has %s, and policy allows %s for one scan", addressCount(t), groupDigits(uint64(mostAddresses))).
			withHint("split it over several scans, or have an operator raise max_addresses_per_scan")
	}
	d.target, d.Target, d.TargetType = t, t.String(), t.Kind
	return nil
}

// Our own bounds, because Microsoft states none for target: far above what one scanner can work through, and small
// enough that an approver can still be shown all of it.
const (
	maxTargetBytes   = 32 << 10
	maxTargetEntries = 2000
)

// parseTarget returns the canonical form of a proposed target, or a *Refusal.
func parseTarget(text, kind string) (target.Target, error) {
	if len(text) > maxTargetBytes {
		return target.Target{}, refuse("target", "target is %s long, and at most %s are accepted",
			plural(uint64(len(text)), "byte", "bytes"), groupDigits(maxTargetBytes)).withHint("write neighbours as a CIDR or a range, or split it over several scans; this limit holds whatever max_addresses_per_scan is")
	}
	t, err := target.Parse(text, kind)
	if fault := (*target.Error)(nil); errors.As(err, &fault) {
		return t, refuseTarget(fault)
	}
	if len(t.Entries) > maxTargetEntries {
		return t, refuse("target", "target has %s, and at most %s are accepted",
			plural(uint64(len(t.Entries)), "entry", "entries"), groupDigits(maxTargetEntries)).
			withHint("split it over several scans, or write neighbours as a CIDR or a range")
	}
	return t, err
}

// refuseTarget quotes the entry at fault, which may contain any character.
func refuseTarget(fault *target.Error) *Refusal {
	where := "target"
	if fault.Entry != "" {
		where = "target entry " + quote(fault.Entry)
	}
	r := refuse("target", "%s %s", where, fault.Problem).withHint("%s", fault.Next)
	r.rule = fault.Rule() // the problem may repeat an entry
	return r
}

// targetType returns the value to send. It also accepts the documentation's words for it.
func targetType(given string) (string, error) {
	switch strings.ToLower(strings.ReplaceAll(given, " ", "")) {
	case "ipaddress", "ipaddresses", "ips":
		return target.IP, nil
	case "hostnames":
		return target.Hostname, nil
	}
	return oneOf("targetType", given, target.IP, target.Hostname)
}

// oneOf returns the allowed value that equals given, ignoring letter case.
func oneOf(field, given string, allowed ...string) (string, error) {
	found, ok := matchFold(given, allowed)
	if !ok {
		return "", refuse(field, "%s must be one of %s, not %s", field, strings.Join(allowed, ", "), quote(given))
	}
	return found, nil
}

// matchFold returns the allowed value that equals given, ignoring letter case and outer blanks, and reports whether there
// is one.
func matchFold(given string, allowed []string) (string, bool) {
	i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, strings.TrimSpace(given)) })
	if i < 0 {
		return "", false
	}
	return allowed[i], true
}

// checkText refuses text that is empty, longer than maxLength characters, or not fully visible.
func checkText(field, text string, maxLength int) error {
	n := len([]rune(text))
	switch char, hidden := firstInvisible(text); {
	case n == 0:
		return refuse(field, "%s must not be empty", field)
	case n > maxLength:
		return refuse(field, "%s is %d characters long, and at most %d are accepted", field, n, maxLength).withHint("shorten it")
	case text != strings.TrimSpace(text):
		return refuse(field, "%s begins or ends with a blank, which is not visible", field).withHint("leave it out")
	case hidden:
		return refuse(field, "%s contains the invisible character %s, which could mislead the approver", field, char).
			withHint("leave it out")
	}
	return nil
}

// orZero returns the given value, or the zero value if it was left out.
func orZero[T any](given *T) T {
	if given == nil {
		var zero T
		return zero
	}
	return *given
}
