package target_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"scanwarden/tools/internal/target"
)

// maxEnumerated bounds how many addresses a fuzz target goes through one by one.
const maxEnumerated = 1 << 16

// FuzzParse: an accepted target has a canonical text that parses to the same target again, each of its entries was
// given, and its numbers of addresses are those that can be counted one by one.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"192.0.2.10, 192.0.2.11", "192.0.2.0/28,192.0.2.10-20", "10.0.0.255-10.0.1.0,10.0.0.0/30", "sw1.example.com,SW_2",
		"2001:db8::/120", "10.0.0.1-10.0.0.1", "a,A", "1.2.3.4/32,1.2.3.4", "0.0.0.0-255.255.255.255", "10.0.0.1,x", "::,::1",
		"1. 10.0.0.1 – 10.0.0.9;\n2. [::1]", "- a\n- “b”", "10.0.0.0 255.0.0.0", "\ufeff10.0.0.1\u200b-\u200b3", "a and b",
		"9.255.255.250-10.0.0.9", "223.255.255.250-224.0.0.3", "10.0.0.1,10.0.0.2,8.8.8.8",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		parsed, err := target.Parse(given, "")
		if err != nil {
			if fault := (*target.Error)(nil); !errors.As(err, &fault) || fault.Problem == "" || fault.Next == "" {
				t.Fatalf("%q: %#v, want a target.Error with a next step", given, err)
			}
			return
		}
		text := parsed.String()
		again, err := target.Parse(text, parsed.Kind)
		if err != nil || again.String() != text || again.Count() != parsed.Count() {
			t.Fatalf("%q is %q, which parses to %q, %v", given, text, again, err)
		}
		words := strings.FieldsFunc(given, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;，；、", r) })
		if n, m := len(words), len(parsed.Entries); m > n {
			t.Fatalf("%q has %d entries more in its canonical form %q", given, m-n, text)
		}
		if live := target.Read(text); live.String() != text || live.Count() != parsed.Count() {
			t.Fatalf("Read(%q) = %q with a count of %d, want %d", text, live, live.Count(), parsed.Count())
		}
		if parsed.Kind == target.IP {
			checkCounts(t, parsed)
		}
	})
}

func checkCounts(t *testing.T, parsed target.Target) {
	t.Helper()
	addresses, public, ok := enumerate(parsed.Entries)
	if !ok {
		return
	}
	var coverage target.Coverage
	coverage.Add(parsed.String())
	if all, open, hosts := coverage.Count(); all != addresses || open != public || hosts != 0 || parsed.Count() != uint64(addresses) {
		t.Fatalf("%q: coverage %d, %d, %d and count %d; by hand %d addresses, %d of them public",
			parsed, all, open, hosts, parsed.Count(), addresses, public)
	}
	if shown, _, ok := enumerate(parsed.PublicRanges()); public > 0 && (!ok || shown != public) {
		t.Fatalf("%q: public ranges %q, want %d addresses in them", parsed, parsed.PublicRanges(), public)
	}
}

// enumerate counts the addresses of canonical entries one by one. It reports false when there are too many.
func enumerate(entries []string) (addresses, public int, ok bool) {
	all := map[netip.Addr]bool{}
	for _, entry := range entries {
		left, right, isRange := strings.Cut(entry, "-")
		if !isRange {
			right = left
		}
		if p, err := netip.ParsePrefix(entry); err == nil {
			for a := p.Addr(); p.Contains(a); a = a.Next() {
				if all[a] = true; len(all) > maxEnumerated {
					return 0, 0, false
				}
			}
			continue
		}
		from, to := netip.MustParseAddr(left), netip.MustParseAddr(right)
		for a := from; a.IsValid() && a.Compare(to) <= 0; a = a.Next() {
			if all[a] = true; len(all) > maxEnumerated {
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
