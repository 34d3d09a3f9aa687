package tools

import (
	"fmt"
	"strconv"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools/internal/target"
)

// fieldLine is a field of a scan as text for an approver.
type fieldLine struct{ name, text string }

// scanLines returns the fields of a scan that a write sends, in Microsoft's order and by Microsoft's names, each followed
// by the fields that only explain it. Nothing that is sent is shortened.
func scanLines(s defender.Scan, scanner defender.Scanner, now time.Time) []fieldLine {
	return []fieldLine{
		{"scanType", escapeInvisible(s.ScanType)},
		{"scanName", escapeInvisible(s.ScanName)},
		{"isActive", strconv.FormatBool(s.IsActive)},
		{fieldTarget, escapeInvisible(s.Target)},
		{noteAddresses, addressCount(target.Read(s.Target))},
		{"intervalInHours", intervalText(s.IntervalInHours)},
		{"targetType", escapeInvisible(s.TargetType)},
		{fieldMachineID, escapeInvisible(s.MachineID)},
		{noteMachineName, escapeInvisible(scanner.Name)},
		{noteLastSeen, ageText(scanner.LastSeen, now)},
	}
}

// maxShownCount bounds the counts of IPv6 addresses that are shown exactly.
const maxShownCount = 1_000_000_000_000

// addressCount returns the number of addresses, hostnames or entries in a target, or "unknown".
func addressCount(t target.Target) string {
	switch n := t.Count(); {
	case len(t.Entries) == 0:
		return "unknown"
	case t.Kind == target.Hostname:
		return plural(n, "hostname", "hostnames")
	case t.Kind == target.Combined:
		return plural(n, "entry", "entries")
	case n > maxShownCount:
		return "more than " + groupDigits(maxShownCount) + " addresses"
	default:
		return plural(n, "address", "addresses")
	}
}

// intervalText returns null as such: the service's metadata allows it, and no page documents its meaning.
func intervalText(hours *int) string {
	if hours == nil {
		return "null"
	}
	return strconv.Itoa(*hours)
}

// authenticationLines returns the fields of new credentials without secrets. A named credential is shown by the
// fields that it stands for.
func authenticationLines(a *defender.Authentication) []fieldLine {
	scanType := "Network"
	if a.Windows {
		scanType = "Windows"
	}
	vault := a.KeyVaultField
	if vault == "" {
		vault = "keyVaultUrl"
	}
	var out []fieldLine
	for _, l := range []fieldLine{
		{"@odata.type", odataTypes[scanType]},
		{"type", a.Type},
		{"username", a.Username},
		{"authProtocol", a.AuthProtocol},
		{"privProtocol", a.PrivProtocol},
		{"domain", a.Domain},
		{"isGmsaUser", boolText(a.IsGMSAUser)},
		{vault, a.KeyVaultURL},
		{"keyVaultSecretName", a.KeyVaultName},
	} {
		if l.text != "" {
			out = append(out, fieldLine{"scanAuthenticationParams." + l.name, escapeInvisible(l.text)})
		}
	}
	return out
}

func boolText(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

// credentialText returns a summary of where new credentials come from.
func credentialText(a *defender.Authentication) string {
	user := a.Type
	if a.Username != "" {
		user += ", user " + escapeInvisible(a.Username)
	}
	switch {
	case a.Credential == AskCredential:
		return fmt.Sprintf("typed by the approver on the page (%s)", user)
	case a.Credential != "":
		return fmt.Sprintf("%s (%s)", escapeInvisible(a.Credential), user)
	case a.KeyVaultURL != "":
		return fmt.Sprintf("Key Vault secret %s (%s)", a.KeyVaultName, user)
	default:
		return user + ", without a secret"
	}
}

// replacementText returns a summary of the credentials that replace the stored ones.
func replacementText(a *defender.Authentication) string {
	if a.Credential == AskCredential {
		return "replaced, " + credentialText(a)
	}
	return "replaced by " + credentialText(a)
}

// diffFields returns two states of a scan side by side. Either may be nil, for a scan that is new or deleted.
func diffFields(before, after []fieldLine) []confirm.Field {
	order := after
	if after == nil {
		order = before
	}
	beforeTexts, afterTexts := textByName(before), textByName(after)
	out := make([]confirm.Field, len(order))
	for i, l := range order {
		out[i] = confirm.Field{Name: l.name, Before: beforeTexts[l.name], After: afterTexts[l.name]}
	}
	return out
}

func textByName(lines []fieldLine) map[string]string {
	out := make(map[string]string, len(lines))
	for _, l := range lines {
		out[l.name] = l.text
	}
	return out
}
