package tools_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
)

// sentValue returns the value of a field of the frozen body.
func sentValue(t testing.TB, p confirm.Proposal, name string) any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(p.Request.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body[name]
}

// TestTargetsAreMadeCanonical: what is accepted, what is sent for it, and how many addresses it contains.
func TestTargetsAreMadeCanonical(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, c := range []struct{ given, kind, sent, count string }{
		{"192.0.2.10", "Ip", "192.0.2.10", "1 address"},
		{" 192.0.2.10 ,\n192.0.2.11", "Ip", "192.0.2.10,192.0.2.11", "2 addresses"},
		{"192.0.2.0/28", "Ip", "192.0.2.0/28", "16 addresses"},
		{"192.0.2.10-192.0.2.20", "Ip", "192.0.2.10-192.0.2.20", "11 addresses"},
		{"192.0.2.10-20", "Ip", "192.0.2.10-192.0.2.20", "11 addresses"},
		{"192.0.2.10 - 20", "Ip", "192.0.2.10-192.0.2.20", "11 addresses"},
		{"192.0.2.0/28,192.0.2.8-192.0.2.20,192.0.2.3", "Ip", "192.0.2.0/28,192.0.2.8-192.0.2.20,192.0.2.3", "21 addresses"},
		{"192.0.2.10,192.0.2.10/32,192.0.2.10-10,192.0.2.11", "Ip", "192.0.2.10,192.0.2.11", "2 addresses"},
		{"10.0.0.255-10.0.1.0", "Ip", "10.0.0.255-10.0.1.0", "2 addresses"},
		{"2001:DB8::1", "Ip", "2001:db8::1", "1 address"},
		{"2001:db8::/120", "Ip", "2001:db8::/120", "256 addresses"},
		{"sw1.example.com", "Hostname", "sw1.example.com", "1 hostname"},
		{"SW_1,sw-2.example.com,sw_1", "Hostname", "SW_1,sw-2.example.com", "2 hostnames"},
		{"cafe", "Hostname", "cafe", "1 hostname"},
	} {
		for _, kind := range []any{nil, c.kind, strings.ToUpper(c.kind)} {
			p := s.plan("add_scan", withFields(t, labScan, map[string]any{"target": c.given, "targetType": kind}))
			if got := sentValue(t, p, "target"); got != c.sent {
				t.Errorf("%q is sent as %q, want %q", c.given, got, c.sent)
			}
			if got := sentValue(t, p, "targetType"); got != c.kind {
				t.Errorf("%q: targetType %q, want %q", c.given, got, c.kind)
			}
			if got := planField(t, p.Subjects[0], "addresses").After; got != c.count {
				t.Errorf("%q makes %q, want %q", c.given, got, c.count)
			}
			if got := planField(t, p.Subjects[0], "target").After; got != c.sent {
				t.Errorf("%q is shown as %q, want %q", c.given, got, c.sent)
			}
		}
	}
	p := s.plan("add_scan", withFields(t, labScan, map[string]any{"targetType": "IP Address"}))
	if got := sentValue(t, p, "targetType"); got != "Ip" {
		t.Errorf(`the documentation's "IP Address" is sent as %q`, got)
	}
}

// TestTargetsAreRefused with the entry at fault and the form to write instead.
func TestTargetsAreRefused(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, c := range []struct {
		target, kind string
		words        []string
	}{
		{" ", "", []string{"empty"}},
		{",;", "", []string{"empty"}},
		{"10.0.0.1,,10.0.0.2", "", []string{"empty entry", "single commas"}},
		{"10.0.0.256", "", []string{`"10.0.0.256" is not an IP address`}},
		{"10.0.0.01", "", []string{`"10.0.0.01" is not an IP address`}},
		{"10.0.0.1:161", "", []string{"is not an IP address"}},
		{"10.0.0.0/33", "", []string{"bad prefix length", "/0 to /32"}},
		{"10.0.0.7/24", "", []string{"10.0.0.0/24 for the whole network", "10.0.0.7 for the one address"}},
		{"10.0.0.9-10.0.0.1", "", []string{"runs backwards", "write 10.0.0.1-10.0.0.9"}},
		{"10.0.0.9-300", "", []string{`"300" is not an IP address`}},
		{"10.0.0.9-010", "", []string{"is not an IP address"}},
		{"10.0.0.1-2001:db8::1", "", []string{"mixes IPv4 and IPv6"}},
		{"fe80::1%eth0", "", []string{"has a zone", "write fe80::1"}},
		{"::ffff:10.0.0.1", "", []string{"IPv4 address written as IPv6", "write 10.0.0.1"}},
		{"sw1,10.0.0.1", "", []string{`"10.0.0.1" is an address, but "sw1" is a hostname`}},
		{"10.0.0.1,sw1", "", []string{`"sw1" is a hostname, but "10.0.0.1" is an address`}},
		{"sw1", "Ip", []string{`"sw1" is a hostname, but targetType is Ip`}},
		{"10.0.0.1", "Hostname", []string{`"10.0.0.1" is an address, but targetType is Hostname`}},
		{"sw1|sw2", "", []string{"is not a hostname", "only ASCII letters"}},
		{"swï.example.com", "", []string{"only ASCII letters"}},
		{"-sw1", "", []string{"begins or ends with a hyphen"}},
		{"sw1..example", "", []string{"1 to 63 characters"}},
		{"sw1.example.", "", []string{"1 to 63 characters"}},
		{strings.Repeat("a", 64), "", []string{"1 to 63 characters"}},
		{strings.Repeat("a.", 127) + "com", "", []string{"longer than 253"}},
		{"sw1.10", "", []string{"ends in a number like an address"}},
		{"0x08080808", "", []string{"ends in a number like an address"}},
		{"8.8.8.0X8", "", []string{"ends in a number like an address"}},
		{"sw1.0x", "", []string{"ends in a number like an address"}},
		{"10.0.0.0/19", "", []string{"8,192 addresses", "policy allows 4,096", "max_addresses_per_scan"}},
		{"2001:db8::/32", "", []string{"more than 1,000,000,000,000 addresses", "policy allows 4,096"}},
		{strings.Repeat("10.0.0.1,", 4000), "", []string{"36,000 bytes long", "32,768"}},
	} {
		args := map[string]any{"target": c.target}
		if c.kind != "" {
			args["targetType"] = c.kind
		}
		r := s.planRefused("add_scan", withFields(t, labScan, args))
		if r.Field != "target" {
			t.Errorf("%q: field %q, want target", c.target, r.Field)
		}
		wantWords(t, r.Error(), c.words...)
	}
	names := make([]string, 2001)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i)
	}
	r := s.planRefused("add_scan", withFields(t, labScan, map[string]any{"target": strings.Join(names, ",")}))
	wantWords(t, r.Error(), "2,001 entries", "at most 2,000")
}

// TestTargetWarnings: what an approver should know about a target besides its text.
func TestTargetWarnings(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, c := range []struct{ target, warning string }{
		{"10.1.0.1,10.1.0.1", "left out duplicates: 10.1.0.1"},
		{"10.8.0.0/21", "2,048 addresses; Microsoft supports 1,500"},
		{"8.8.8.8", "public internet addresses: 8.8.8.8"},
		{"9.255.255.250-10.0.0.9", "public internet addresses: 9.255.255.250-9.255.255.255"},
		{"172.31.255.0-172.32.0.5", "public internet addresses: 172.32.0.0-172.32.0.5"},
		{"2606:4700::1", "public internet addresses: 2606:4700::1"},
		{"fd00::1", "do not mention IPv6"},
		{"64:ff9b::808:808", "public internet addresses: 64:ff9b::808:808"}, // NAT64 of 8.8.8.8
		{"::808:808", "public internet addresses"},
		{"127.0.0.1", "127.0.0.1 is loopback: the scanner would scan itself"},
		{"::1", "::1 is loopback"},
		{"126.255.255.250-127.0.0.9", "127.0.0.0-127.0.0.9 is loopback"},
		{"169.254.1.1", "169.254.1.1 is link-local"},
		{"fe80::1", "fe80::1 is link-local"},
		{"224.0.0.1", "224.0.0.1 is multicast"},
		{"ff02::1", "ff02::1 is multicast"},
		{"0.0.0.0", "0.0.0.0 is the unspecified address"},
		{"::", ":: is the unspecified address"},
		{"255.255.255.255", "255.255.255.255 is broadcast"},
		{"192.0.2.11", `already covered: 192.0.2.11 by "Core switches" (` + coreSwitches + ")"},
		{"192.0.2.0/24", `already covered: 192.0.2.10-192.0.2.12 by "Core switches"`},
		{"10.20.30.250-10.20.31.9", `10.20.30.250-10.20.30.255 by "Plant floor switches"`},
		{"FIN-02.contoso.example", `"FIN-02.contoso.example" by "Finance servers"`},
	} {
		p := s.plan("add_scan", withFields(t, labScan, map[string]any{"target": c.target}))
		wantWords(t, strings.Join(p.Warnings, "\n"), c.warning)
	}
	for _, quiet := range []string{
		"10.1.2.3", "192.168.0.0/24", "100.64.0.1", "100.127.255.255", "203.0.113.99", "172.16.0.0/32",
		"198.51.100.200", "198.19.255.1", "240.0.0.1", "255.255.255.254", "10.0.0.0/22", "0.0.0.1",
	} {
		if p := s.plan("add_scan", withFields(t, labScan, map[string]any{"target": quiet})); len(p.Warnings) > 0 {
			t.Errorf("%s: unexpected warnings %q", quiet, p.Warnings)
		}
	}
}

// TestManyWarningsAreBounded: a warning names a few and counts the rest.
func TestManyWarningsAreBounded(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for range 30 {
		s.Tenant.AddScan(map[string]any{"target": "10.9.9.9"})
	}
	public := "8.8.8.1,8.8.8.3,8.8.8.5,8.8.8.7,8.8.8.9,8.8.8.11,8.8.8.13"
	p := s.plan("add_scan", withFields(t, labScan, map[string]any{"target": "10.9.9.9," + public}))
	wantWords(t, strings.Join(p.Warnings, "\n"), "and 25 more", "8.8.8.9 and 2 more")
}
