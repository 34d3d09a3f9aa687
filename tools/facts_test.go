package tools_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

const (
	hqName     = "scan-hq-01.contoso.example"
	branchName = "scan-branch-02.contoso.example"
	plantName  = "scan-plant-03.contoso.example"
	maxInt     = math.MaxInt
)

func wantFacts(t testing.TB, got, want confirm.Facts) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// TestFactsOfTargets: the exact counts for the target of a new scan, and of a live one.
func TestFactsOfTargets(t *testing.T) {
	s := newStack(t, defendertest.Options{}, func(cfg *tools.Config) { cfg.Policy.MaxAddressesPerScan = math.MaxInt })
	id := s.Tenant.AddScan(map[string]any{"scanName": "Lab", "scannerAgent": map[string]any{"machineId": hq}})
	for _, c := range []struct {
		target                   string
		addresses, public, hosts int
	}{
		{"10.0.0.1,10.0.0.1,10.0.0.0/30", 4, 0, 0},
		{"8.8.8.8", 1, 1, 0},
		{"8.8.8.0/24,8.8.8.128-8.8.9.9", 266, 266, 0},
		{"9.255.255.250-10.0.0.9", 16, 6, 0},
		{"172.31.255.254-172.32.0.1", 4, 2, 0},
		{"0.0.0.0/0", 1 << 32, 3702258688, 0},
		{"2001:db8::/64", maxInt, 0, 0},
		{"2606:4700::/64", maxInt, maxInt, 0},
		{"2606:4700::/72", 1 << 56, 1 << 56, 0},
		{"2606:4700::/64,2606:4701::/64,2606:4702::1", maxInt, maxInt, 0},
		{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff-2606::1", maxInt, maxInt, 0}, // one before the reserved ones, and more than fit after
		{"::/0", maxInt, maxInt, 0},
		{"fc00::/7", maxInt, 0, 0},
		{"ff00::/126,fe80::1,::1,100::", 7, 0, 0},
		{"64:ff9b::808:808,::808:808", 2, 2, 0},
		{"sw1,SW1,sw2.example.com", 0, 0, 2},
	} {
		want := confirm.Facts{
			Scans: []string{"Lab"}, Count: 1, Scanners: []string{hqName},
			Addresses: c.addresses, PublicAddresses: c.public, Hostnames: c.hosts,
		}
		s.Tenant.Edit(id, map[string]any{"target": c.target})
		s.Service.InvalidateCache()
		wantFacts(t, s.plan("delete_scans", `{"scanDefinitionIds":["`+id+`"]}`).Facts, want)
		if c.addresses == maxInt {
			continue // no policy allows a new scan of so many
		}
		want.Credential = "core-snmp"
		wantFacts(t, s.plan("add_scan", withFields(t, labScan, map[string]any{"target": c.target})).Facts, want)
	}
}

// TestFactsOfUpdates: the facts are those of the scan as it would be, under its names before and after.
func TestFactsOfUpdates(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, c := range []struct {
		args string
		want confirm.Facts
	}{
		{`{"id":"Core switches","isActive":false}`,
			confirm.Facts{Scans: []string{"Core switches"}, Addresses: 3, Scanners: []string{hqName}}},
		{`{"id":"Core switches","scanName":"Attic","target":"8.8.4.4,10.0.0.1"}`,
			confirm.Facts{Scans: []string{"Attic", "Core switches"}, Addresses: 2, PublicAddresses: 1, Scanners: []string{hqName}}},
		{`{"id":"Core switches","target":"sw1"}`,
			confirm.Facts{Scans: []string{"Core switches"}, Hostnames: 1, Scanners: []string{hqName}}},
		{`{"id":"Core switches","credential":"core-snmp"}`,
			confirm.Facts{Scans: []string{"Core switches"}, Addresses: 3, Scanners: []string{hqName}, Credential: "core-snmp", ReplacesSecret: true}},
		{`{"id":"Core switches","scanAuthenticationParams":{"type":"NoAuthNoPriv","username":"guest"}}`,
			confirm.Facts{Scans: []string{"Core switches"}, Addresses: 3, Scanners: []string{hqName}, ReplacesSecret: true}},
		{`{"id":"Core switches","scannerAgent":{"machineId":"` + branch + `"}}`,
			confirm.Facts{Scans: []string{"Core switches"}, Addresses: 3, Scanners: []string{branchName}}},
		{`{"id":"Core switches","scannerAgent":{"machineId":"` + plant + `"}}`,
			confirm.Facts{Scans: []string{"Core switches"}, Addresses: 3, Scanners: []string{plantName}, InactiveScanner: true}},
		{`{"id":"Plant floor switches","intervalInHours":12}`,
			confirm.Facts{Scans: []string{"Plant floor switches"}, Addresses: 256, Scanners: []string{plantName}, InactiveScanner: true}},
		{`{"id":"Plant floor switches","scannerAgent":{"machineId":"` + hq + `"}}`,
			confirm.Facts{Scans: []string{"Plant floor switches"}, Addresses: 256, Scanners: []string{hqName}}},
	} {
		c.want.Count = 1
		t.Run(c.args, func(t *testing.T) { wantFacts(t, s.plan("update_scan", c.args).Facts, c.want) })
	}
}

// TestFactsOfDeletes: the counts of all deleted scans, each address and hostname once.
func TestFactsOfDeletes(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.AddScan(map[string]any{"scanName": "Twin", "target": "192.0.2.12,192.0.2.13,1.1.1.1", "scannerAgent": map[string]any{"machineId": branch}})
	wantFacts(t, s.plan("delete_scans", `{"scanDefinitionIds":["Twin","Core switches","Core switches"]}`).Facts, confirm.Facts{
		Scans: []string{"Core switches", "Twin"}, Count: 2, Addresses: 5, PublicAddresses: 1,
		Scanners: []string{branchName, hqName},
	})
	for _, order := range []string{`"Finance servers","Plant floor switches"`, `"Plant floor switches","Finance servers"`} {
		wantFacts(t, s.plan("delete_scans", `{"scanDefinitionIds":[`+order+`]}`).Facts, confirm.Facts{
			Scans: []string{"Finance servers", "Plant floor switches"}, Count: 2, Addresses: 256, Hostnames: 2,
			Scanners: []string{hqName, plantName}, InactiveScanner: true,
		})
	}
}

// TestNoSpellingAvoidsARule: an unreadable entry of a live target counts as an unlimited number of public addresses,
// and as a hostname.
func TestNoSpellingAvoidsARule(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	id := s.Tenant.AddScan(map[string]any{"scanName": "Weird"})
	for target, want := range map[string][3]int{
		"8.8.8.8/24":                {maxInt, maxInt, 1}, // inside its network
		"8.8.8.0/255.255.255.0":     {maxInt, maxInt, 1},
		"008.8.8.8":                 {maxInt, maxInt, 1},
		"134744072":                 {maxInt, maxInt, 1},
		"0x08080808":                {maxInt, maxInt, 1},
		"0x8.0x8.0x8.0x8":           {maxInt, maxInt, 1},
		"8.8.8.*":                   {maxInt, maxInt, 1},
		"8.8.8.8 8.8.4.4":           {maxInt, maxInt, 1},
		"10.0.0.1;8.8.8.8":          {maxInt, maxInt, 1},
		"10.0.0.1\n8.8.8.8":         {maxInt, maxInt, 1},
		"::ffff:8.8.8.8":            {maxInt, maxInt, 1},
		"８.8.8.8":                   {maxInt, maxInt, 1},
		"http://8.8.8.8/":           {maxInt, maxInt, 1},
		"":                          {maxInt, maxInt, 1},
		" , ":                       {maxInt, maxInt, 2},
		"10.0.0.1,8.8.8.0-8.8.9":    {maxInt, maxInt, 1},
		"10.0.0.1,,sw1,":            {1, 0, 1},
		" 8.8.8.8 ,\t8.8.8.8":       {1, 1, 0},
		"sw1,10.0.0.1":              {1, 0, 1},
		"8.8.8.8.nip.io,8-8-8-8.io": {0, 0, 2},
	} {
		s.Tenant.Edit(id, map[string]any{"target": target})
		s.Service.InvalidateCache()
		for operation, args := range map[string]string{
			"update_scan": `{"id":"` + id + `","isActive":false}`, "delete_scans": `{"scanDefinitionIds":["` + id + `"]}`,
		} {
			p, err := s.Service.Plan(t.Context(), tools.Caller{}, operation, json.RawMessage(args))
			if err != nil && target == "" && operation == "update_scan" {
				continue // an update without a target is not sent at all
			}
			if err != nil {
				t.Fatalf("%s %q: %v", operation, target, err)
			}
			if got := [3]int{p.Facts.Addresses, p.Facts.PublicAddresses, p.Facts.Hostnames}; got != want {
				t.Errorf("%s %q: %v, want %v", operation, target, got, want)
			}
		}
	}
	s.Tenant.Edit(id, map[string]any{"target": "8.8.8.*"})
	s.Service.InvalidateCache()
	if f := s.plan("update_scan", `{"id":"`+id+`","target":"10.0.0.1"}`).Facts; f.PublicAddresses != 0 || f.Addresses != 1 {
		t.Errorf("the way out is judged by what was before: %+v", f)
	}
}

// TestFactsAboutScanners: the list of scanners decides when one was last seen, not the scan. A scanner that is not
// listed was never seen.
func TestFactsAboutScanners(t *testing.T) {
	now := time.Now()
	s := newStack(t, defendertest.Options{}, fixedClock(now))
	sleepy := s.Tenant.AddScanner("sleepy", now.Add(-24*time.Hour-time.Second))
	awake := s.Tenant.AddScanner("awake", now.Add(-24*time.Hour+time.Second))
	agent := func(id, name string, seen time.Time) map[string]any {
		return map[string]any{"scannerAgent": map[string]any{"machineId": id, "machineName": name, "lastSeen": seen.UTC().Format(time.RFC3339)}}
	}
	fresh, old := now.Add(-time.Minute), now.Add(-90*24*time.Hour)
	id := s.Tenant.AddScan(map[string]any{"scanName": "S"})
	for _, c := range []struct {
		edit     map[string]any
		scanners []string
		inactive bool
		warning  string
	}{
		{agent(sleepy, "sleepy", fresh), []string{"sleepy"}, true, "it may be switched off"},
		{agent(awake, "awake", old), []string{"awake"}, false, ""},
		{agent(strings.ToUpper(awake), "AWAKE-7", old), []string{"AWAKE-7", "awake"}, false, ""},
		{agent(awake, "", old), []string{"awake"}, false, ""},
		{agent("unlisted", "ghost", fresh), []string{"ghost"}, true, `"ghost" is not among the scanners that Defender lists`},
		{agent("unlisted", "", fresh), []string{"unlisted"}, true, "is not among the scanners"},
	} {
		s.Tenant.Edit(id, c.edit)
		s.Service.InvalidateCache()
		update := s.plan("update_scan", `{"id":"S","intervalInHours":77}`)
		for _, f := range []confirm.Facts{update.Facts, s.plan("delete_scans", `{"scanDefinitionIds":["S"]}`).Facts} {
			if !slices.Equal(f.Scanners, c.scanners) || f.InactiveScanner != c.inactive {
				t.Errorf("%v: scanners %q, inactive %v; want %q, %v", c.edit, f.Scanners, f.InactiveScanner, c.scanners, c.inactive)
			}
		}
		warnings := strings.Join(update.Warnings, "\n")
		wantWords(t, warnings, c.warning)
		if c.warning == "" && strings.Contains(warnings, "scannerAgent") {
			t.Errorf("%v: unexpected warnings %q", c.edit, warnings)
		}
	}
	s.Tenant.Edit(id, map[string]any{"scannerAgent": map[string]any{"machineId": nil, "machineName": nil}})
	s.Service.InvalidateCache()
	if f := s.plan("delete_scans", `{"scanDefinitionIds":["S"]}`).Facts; f.Scanners != nil || !f.InactiveScanner {
		t.Errorf("a scan that lost its scanner: %+v", f)
	}
}

// TestFactsNeedTheScanners: without them a change cannot be judged, so it is not planned.
func TestFactsNeedTheScanners(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.Fail(defendertest.Fault{Path: "DeviceAuthenticatedScanAgents", Status: 403, Times: -1})
	for operation, args := range map[string]string{
		"update_scan": `{"id":"Core switches","isActive":false}`, "delete_scans": `{"scanDefinitionIds":["Core switches"]}`,
	} {
		if p, err := s.Service.Plan(t.Context(), tools.Caller{}, operation, json.RawMessage(args)); err == nil {
			t.Errorf("%s was planned: %+v", operation, p.Facts)
		}
	}
}
