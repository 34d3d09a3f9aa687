package tools_test

import (
	"encoding/json"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// FuzzFacts: for any live scan and any update, the facts are those of the frozen bytes. There are no more public
// addresses than addresses, both are as many as can be counted one by one, and the names are those before and after.
func FuzzFacts(f *testing.F) {
	for _, seed := range []string{
		"192.0.2.10, 192.0.2.11", "10.0.0.255-10.0.1.0,8.8.8.0/30", "sw1.example.com,SW_2", "2001:db8::/120", "::,::1", "8.8.8.*", "",
		"0.0.0.0/0", "2606:4700::/33,1.1.1.1", "9.255.255.0-10.0.0.3", "223.255.255.250-224.0.0.3", "x,8.8.8.8,,",
	} {
		f.Add("Core", seed, "New", "10.0.0.1")
		f.Add("b", "10.0.0.1", "a", seed)
		f.Add("same", seed, "same", "")
	}
	s := newStack(f, defendertest.Options{}, func(cfg *tools.Config) { cfg.Policy.MaxAddressesPerScan = math.MaxInt })
	id := s.Tenant.AddScan(nil)
	f.Fuzz(func(t *testing.T, name, target, newName, newTarget string) {
		if !json.Valid([]byte(`"`+name+target+`"`)) || len(target) > 1<<15 {
			return // only what a service could hold, and what can be counted in time
		}
		s.Tenant.Edit(id, map[string]any{"scanName": name, "target": target})
		s.Service.InvalidateCache()
		fields := map[string]any{"id": id, "intervalInHours": 77}
		if newTarget != "" {
			fields["target"] = newTarget
		}
		if newName != "" {
			fields["scanName"] = newName
		}
		args, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Service.Plan(t.Context(), tools.Caller{}, "update_scan", args)
		if err != nil {
			return
		}
		facts := p.Facts
		if facts.PublicAddresses > facts.Addresses || facts.PublicAddresses < 0 || facts.Hostnames < 0 || facts.Count != 1 {
			t.Fatalf("impossible: %+v", facts)
		}
		if n, public, ok := countByHand(sentValue(t, p, "target").(string)); ok && (facts.Addresses != n || facts.PublicAddresses != public) {
			t.Fatalf("%q: %+v, and by hand %d addresses, %d of them public", sentValue(t, p, "target"), facts, n, public)
		}
		if after := sentValue(t, p, "scanName").(string); isPrintable(after) && !slices.Contains(facts.Scans, after) || isPrintable(name) && name != "" && !slices.Contains(facts.Scans, name) {
			t.Fatalf("from %q to %q: scans %q", name, after, facts.Scans)
		}
		if !slices.IsSorted(facts.Scans) || len(slices.Compact(slices.Clone(facts.Scans))) != len(facts.Scans) || len(facts.Scans) > 2 {
			t.Fatalf("scans %q are not a set in order", facts.Scans)
		}
	})
}

func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// countByHand counts the addresses of a canonical target one by one. It reports false when there are too many.
func countByHand(target string) (addresses, public int, ok bool) {
	if strings.Contains(target, "/") || strings.Contains(target, "-") && len(target) > 64 {
		return 0, 0, false
	}
	all := map[netip.Addr]bool{}
	for entry := range strings.SplitSeq(target, ",") {
		left, right, isRange := strings.Cut(entry, "-")
		if !isRange {
			right = left
		}
		from, err := netip.ParseAddr(left)
		to, err2 := netip.ParseAddr(right)
		if err != nil || err2 != nil || from.Is4In6() || to.Is4In6() {
			return 0, 0, false
		}
		for a := from; a.IsValid() && a.Compare(to) <= 0; a = a.Next() {
			if all[a] = true; len(all) > 5000 {
				return 0, 0, false
			}
		}
	}
	for a := range all {
		if isPublic(a) {
			public++
		}
	}
	return len(all), public, true
}

// isPublic asks the standard library, and adds the ranges for which it has no method.
func isPublic(a netip.Addr) bool {
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return false
	}
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"100::/64", "2001:db8::/32", "3fff::/20", "fec0::/10",
	} {
		if netip.MustParsePrefix(p).Contains(a) {
			return false
		}
	}
	return true
}
