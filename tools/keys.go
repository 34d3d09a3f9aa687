package tools

import (
	"encoding/json"
	"slices"
	"strings"

	"scanwarden/defender"
)

// scanKeys returns the keys of a change that writes the scans with these ids. See confirm.Proposal.Keys.
func scanKeys(ids ...string) []string {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = "scan " + strings.ToLower(id)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// newScanKeys returns the key of a change that adds a scan. Two adds that an approver would take for the same scan have
// the same key.
func newScanKeys(s defender.Scan) ([]string, error) {
	same, err := json.Marshal([]string{
		strings.ToLower(strings.TrimSpace(s.ScanName)), canonicalTarget(s.Target), strings.ToLower(s.MachineID),
	})
	return []string{"new scan " + string(same)}, err
}

// canonicalTarget returns a target without what a service could reasonably alter: blanks, letter case and order.
func canonicalTarget(target string) string {
	entries := strings.Split(strings.ToLower(strings.ReplaceAll(target, " ", "")), ",")
	slices.Sort(entries)
	return strings.Join(entries, ",")
}
