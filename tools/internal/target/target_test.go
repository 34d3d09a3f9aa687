package target_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/tools/internal/target"
)

// TestEntriesWithOneMeaningAreKeptOnce, whatever their spelling, and the order given is kept.
func TestEntriesWithOneMeaningAreKeptOnce(t *testing.T) {
	got, err := target.Parse("192.0.2.9,192.0.2.10/32,192.0.2.10-10, 192.0.2.10,192.0.2.0/24", "")
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != target.IP || got.Count() != 256 {
		t.Errorf("kind %q and %d addresses, want Ip and 256", got.Kind, got.Count())
	}
	if diff := cmp.Diff([]string{"192.0.2.9", "192.0.2.10/32", "192.0.2.0/24"}, got.Entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"192.0.2.10-192.0.2.10", "192.0.2.10"}, got.Duplicates); diff != "" {
		t.Errorf("duplicates (-want +got):\n%s", diff)
	}
}

// TestRefusalsNameTheEntryAsGiven, so that the caller decides how to show characters that hide.
func TestRefusalsNameTheEntryAsGiven(t *testing.T) {
	_, err := target.Parse("sw1,sw\u202e2", "")
	fault := (*target.Error)(nil)
	if !errors.As(err, &fault) || fault.Entry != "sw\u202e2" || !strings.Contains(fault.Problem, "only ASCII letters") {
		t.Errorf("%#v, want the entry and the reason", err)
	}
	if text := err.Error(); strings.Contains(text, "\u202e") {
		t.Errorf("%q hides a character", text)
	}
}

// TestOverlap: the first range that two targets share, or a host name in any letter case.
func TestOverlap(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"10.0.0.0/24", "10.0.0.200-10.0.1.9", "10.0.0.200-10.0.0.255"},
		{"10.0.0.1,10.0.0.3", "10.0.0.0/8", "10.0.0.1"},
		{"10.0.0.1,10.0.0.2", "10.0.0.0/8", "10.0.0.1-10.0.0.2"},
		{"10.0.0.1", "10.0.0.2", ""},
		{"::/0", "0.0.0.0/0", ""},
		{"2001:db8::/32", "10.0.0.1,2001:db8::7,sw1", "2001:db8::7"},
		{"sw1,sw2", "10.0.0.1,SW2", `"sw2"`},
		{"sw1", "10.0.0.1", ""},
		{"sw1", "8.8.8.*", ""},
	} {
		if got := target.Read(c.a).Overlap(target.Read(c.b)); got != c.want {
			t.Errorf("%s and %s share %q, want %q", c.a, c.b, got, c.want)
		}
		if back := target.Read(c.b).Overlap(target.Read(c.a)); !strings.EqualFold(back, c.want) {
			t.Errorf("%s and %s share %q, want %q", c.b, c.a, back, c.want)
		}
	}
}

// TestCoverageOfNothing: the zero value covers nothing.
func TestCoverageOfNothing(t *testing.T) {
	var c target.Coverage
	if addresses, public, hostnames := c.Count(); addresses != 0 || public != 0 || hostnames != 0 {
		t.Errorf("%d, %d, %d, want zeros", addresses, public, hostnames)
	}
	if got := (target.Target{}); got.Count() != 0 || got.Special() != nil || got.PublicRanges() != nil || got.HasIPv6() {
		t.Error("the zero target covers something")
	}
}
