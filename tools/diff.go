package tools

import (
	"fmt"
	"strconv"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools/internal/target"
)

// line is a field of a scan as a person reads it.
type line struct{ name, text string }

// scanLines are the fields of a scan that a write sends, in Microsoft's order and by Microsoft's names, and how
// many addresses its target makes. Nothing of what is sent is cut.
func scanLines(s defender.Scan, scanner defender.Scanner, now time.Time) []line {
	return []line{
		{"scanType", shown(s.ScanType)},
		{"scanName", shown(s.ScanName)},
		{"isActive", strconv.FormatBool(s.IsActive)},
		{"target", shown(s.Target)},
		{"addresses", countedAddresses(target.Read(s.Target))},
		{"intervalInHours", interval(s.IntervalInHours)},
		{"targetType", shown(s.TargetType)},
		{"scannerAgent.machineId", scannerText(s.MachineID, scanner, now)},
	}
}

func scannerText(machineID string, s defender.Scanner, now time.Time) string {
	return fmt.Sprintf("%s (%s, last seen %s)", shown(machineID), quoted(s.Name), age(s.LastSeen, now))
}

// countable is where the exact number of IPv6 addresses stops meaning anything to a person.
const countable = 1_000_000_000_000

// countedAddresses counts what stands in a target, or says that it cannot.
func countedAddresses(t target.Target) string {
	switch n := t.Count(); {
	case len(t.Entries) == 0:
		return "unknown"
	case t.Kind == target.Hostname:
		return counted(n, "hostname", "hostnames")
	case t.Kind == target.Combined:
		return counted(n, "entry", "entries")
	case n > countable:
		return "more than " + number(countable) + " addresses"
	default:
		return counted(n, "address", "addresses")
	}
}

// interval shows null as such: the service's metadata allows it, and nobody documents what it means.
func interval(hours *int) string {
	if hours == nil {
		return "null"
	}
	return strconv.Itoa(*hours)
}

// authenticationLines are the fields of new credentials; those of a named one are what it stands for, and its
// secrets are not among them.
func authenticationLines(a *defender.Authentication) []line {
	scanType := "Network"
	if a.Windows {
		scanType = "Windows"
	}
	vault := a.KeyVaultField
	if vault == "" {
		vault = "keyVaultUrl"
	}
	var out []line
	for _, l := range []line{
		{"@odata.type", odataTypes[scanType]},
		{"type", a.Type},
		{"username", a.Username},
		{"authProtocol", a.AuthProtocol},
		{"privProtocol", a.PrivProtocol},
		{"domain", a.Domain},
		{"isGmsaUser", yes(a.IsGMSAUser)},
		{vault, a.KeyVaultURL},
		{"keyVaultSecretName", a.KeyVaultName},
	} {
		if l.text != "" {
			out = append(out, line{"scanAuthenticationParams." + l.name, shown(l.text)})
		}
	}
	return out
}

func yes(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

// credentialText says in a few words where new credentials come from.
func credentialText(a *defender.Authentication) string {
	user := a.Type
	if a.Username != "" {
		user += ", user " + shown(a.Username)
	}
	switch {
	case a.Credential != "":
		return fmt.Sprintf("credential %s (%s)", shown(a.Credential), user)
	case a.KeyVaultURL != "":
		return fmt.Sprintf("Key Vault secret %s in %s (%s)", a.KeyVaultName, a.KeyVaultURL, user)
	default:
		return user + ", without a secret"
	}
}

// fields lays two states of a scan side by side; either may be missing.
func fields(before, after []line) []confirm.Field {
	order := after
	if after == nil {
		order = before
	}
	was, will := texts(before), texts(after)
	out := make([]confirm.Field, len(order))
	for i, l := range order {
		out[i] = confirm.Field{Name: l.name, Before: was[l.name], After: will[l.name]}
	}
	return out
}

func texts(lines []line) map[string]string {
	out := make(map[string]string, len(lines))
	for _, l := range lines {
		out[l.name] = l.text
	}
	return out
}
