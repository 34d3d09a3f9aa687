package defendertest_test

import (
	"net/http"
	"testing"
	"time"

	"scanwarden/defender/defendertest"

	"github.com/google/go-cmp/cmp"
)

func TestSeed(t *testing.T) {
	c := startSimulator(t, defendertest.Options{AuthInLists: true})
	rows := c.call("GET", definitions, "").rows(t)
	paused, windows := 0, 0
	for _, row := range rows {
		if row["isActive"] == false {
			paused++
		}
		if row["scanType"] == "Windows" {
			windows++
		}
		if agent := row["scannerAgent"].(map[string]any); agent["machineName"] == nil || len(agent["machineId"].(string)) != 40 {
			t.Errorf("%s has scanner %v", row["scanName"], agent)
		}
		// What is seeded has to be what could be sent: a definition sent back unchanged is accepted.
		body := withFields(t, `{}`, object{"scanType": row["scanType"], "scanName": row["scanName"], "isActive": row["isActive"], "target": row["target"],
			"intervalInHours": row["intervalInHours"], "targetType": row["targetType"], "scannerAgent": row["scannerAgent"],
			"scanAuthenticationParams": row["scanAuthenticationParams"]})
		c.call("PATCH", definitions+"/"+row["id"].(string), body).want(t, 200)
	}
	if len(rows) != 5 || paused != 1 || windows != 1 {
		t.Errorf("%d definitions, %d paused, %d Windows; want 5, 1, 1", len(rows), paused, windows)
	}
	if got := len(c.sim.Writes()); got != len(rows) {
		t.Errorf("%d writes; want %d: seeding is none", got, len(rows))
	}
	var seen []time.Time
	for _, row := range c.call("GET", agents, "").rows(t) {
		at, err := time.Parse(time.RFC3339, row["lastSeen"].(string))
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, at)
	}
	stale := 0
	for _, at := range seen {
		if age := time.Since(at); age < 0 || age > time.Hour {
			stale++
		}
	}
	if len(seen) != 3 || stale != 1 {
		t.Errorf("scanners last seen %v; want 3, of which 1 long ago", seen)
	}
}

// TestSameStepsSameIDs checks that the same steps give the same ids in each session.
func TestSameStepsSameIDs(t *testing.T) {
	steps := func() []any {
		c := startSimulator(t, defendertest.Options{})
		scanner := c.sim.AddScanner("scan-lab-04", time.Now())
		scan := c.sim.AddScan(nil)
		added := c.call("POST", definitions, fixture(t, "add-network-authpriv.new-page.request.json")).object(t)
		if len(scanner) != 40 || len(scan) != 36 || scan == added["id"] {
			t.Errorf("scanner %s, scan %s, added %v", scanner, scan, added["id"])
		}
		return []any{scanner, scan, added["id"]}
	}
	if diff := cmp.Diff(steps(), steps()); diff != "" {
		t.Error(diff)
	}
}

func TestAddScanDefaults(t *testing.T) {
	c := startSimulator(t, defendertest.Options{Empty: true})
	seen := time.Date(2026, 11, 1, 8, 0, 0, 500, time.UTC)
	scanner := c.sim.AddScanner("scan-lab-04", seen)
	id := c.sim.AddScan(map[string]any{"scanName": "Lab", "scanType": "Quantum", "novelty": []string{"x"}})
	row := c.call("GET", definitions, "").rows(t)[0]
	want := object{
		"id": id, "scanName": "Lab", "scanType": "Quantum", "novelty": []any{"x"}, "isActive": true, "target": "192.0.2.1",
		"targetType": "Ip", "intervalInHours": 4.0, "orgId": row["orgId"], "createdBy": "username@test.com",
		"scanAuthenticationParams": nil,
		"latestScan":               object{"status": nil, "failureReason": nil, "executionDateTime": nil},
		"scannerAgent": object{"id": row["orgId"].(string) + "_" + scanner, "machineId": scanner, "machineName": "scan-lab-04",
			"lastSeen": "2026-11-01T08:00:00.0000005Z", "lastCommandExecutionTimestamp": "2026-11-01T08:00:00Z", "mdeClientVersion": nil,
			"scannerSoftwareVersion": "9.3.15.19", "assignedApplicationId": "f23c76e1-a6b5-4f77-9468-3a57916c910e"},
	}
	if diff := cmp.Diff(want, object(row)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	c.call("PATCH", definitions+"/"+id, `{"isActive":false}`).want(t, 200) // the odd scanType is left in peace
}

// TestPortalEdits checks that changes made in the portal show in the API, and are not among the writes.
func TestPortalEdits(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	c.sim.Edit(switches, map[string]any{"target": "192.0.2.99", "intervalInHours": nil, "scannerAgent": nil, "latestScan": nil, "id": "other"})
	c.sim.Remove(routers)
	found := false
	for _, row := range c.call("GET", definitions, "").rows(t) {
		if row["id"] == routers {
			t.Error("a removed definition is listed")
		}
		if row["id"] == switches {
			found = row["target"] == "192.0.2.99" && row["intervalInHours"] == nil && row["latestScan"] == nil
		}
	}
	if !found || len(c.sim.Writes()) != 0 {
		t.Errorf("the edit does not show, or is among the writes %v", c.sim.Writes())
	}
	if scan, ok := c.sim.Scan(routers); ok {
		t.Errorf("Scan still finds %v", scan)
	}
	scan, _ := c.sim.Scan(switches)
	scan["target"] = "changed by the test"
	if again, _ := c.sim.Scan(switches); again["target"] != "192.0.2.99" {
		t.Error("Scan shares its memory with the test")
	}
	for name, misuse := range map[string]func(){
		"Edit":       func() { c.sim.Edit("nobody", nil) },
		"Remove":     func() { c.sim.Remove("nobody") },
		"FinishScan": func() { c.sim.FinishScan("nobody", "Success", finishedAt) },
		"AddScan":    func() { c.sim.AddScan(map[string]any{"scanName": make(chan int)}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s lets a mistaken test pass", name)
				}
			}()
			misuse()
		}()
	}
	c.call("GET", definitions, "").want(t, http.StatusOK) // no lock was left behind
}

func TestFinishScan(t *testing.T) {
	for status, want := range map[string]struct {
		latest     string
		successful float64
		last       string
	}{
		"Success": {"Success", 3, "Success"}, "Fail": {"Fail", 0, "Failure"}, "Partial Success": {"Success", 2, "Failure"}, "Melted": {"Melted", 0, "Failure"},
	} {
		c := startSimulator(t, defendertest.Options{Empty: true})
		c.sim.AddScanner("scan-lab-04", finishedAt)
		id := c.sim.AddScan(map[string]any{"target": "sw-01,198.51.100.0/24,2001:db8::1-2001:db8::9", "targetType": "Combined"})
		session := c.sim.FinishScan(id, status, finishedAt)
		latest := object{"status": want.latest, "failureReason": nil, "executionDateTime": "2025-12-18T14:33:49.413596Z"}
		if diff := cmp.Diff(any(latest), c.call("GET", definitions, "").rows(t)[0]["latestScan"]); diff != "" {
			t.Errorf("%s: latestScan (-want +got):\n%s", status, diff)
		}
		run := c.call("POST", byScan, `{"ScanDefinitionIds":["`+id+`"]}`).rows(t)[0]
		if run["ScanStatus"] != status || run["ScanDefinitionIds"] != id || run["LastScanned"] != "2025-12-18T14:33:49.413596Z" {
			t.Errorf("%s: history %v", status, run)
		}
		detail := c.call("POST", bySession, `{"SessionIds":["`+session+`"]}`).rows(t)[0]
		targets := detail["ListScannedTargets"].([]any)
		if detail["NumberOfTargets"] != 3.0 || detail["NumberOfSuccessfullyScannedTargets"] != want.successful ||
			targets[0].(map[string]any)["Ip"] != "" || targets[1].(map[string]any)["Ip"] != "198.51.100.1" || targets[2].(map[string]any)["ScanStatus"] != want.last {
			t.Errorf("%s: session %v", status, detail)
		}
	}
}

func TestHistoryWindow(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	id := c.sim.AddScan(nil)
	for hour := range 5 {
		c.sim.FinishScan(id, "Success", finishedAt.Add(time.Duration(hour)*time.Hour))
	}
	c.sim.FinishScan(id, "Fail", finishedAt.Add(-time.Hour)) // recorded late
	for query, want := range map[string][]string{
		"":                 {"18:", "17:", "16:", "15:", "14:", "13:"},
		"?$top=2":          {"18:", "17:"},
		"?$top=2&$skip=3":  {"15:", "14:"},
		"?$skip=5":         {"13:"},
		"?$skip=9":         {},
		"?$top=0":          {},
		"?$top=10000":      {"18:", "17:", "16:", "15:", "14:", "13:"},
		"?%24top=1&$skip=": nil,
		"?$top=10001":      nil,
		"?$top=-1":         nil,
		"?$skip=-1":        nil,
		"?$top=many":       nil,
	} {
		r := c.call("POST", byScan+query, `{"ScanDefinitionIds":["`+id+`"]}`)
		if want == nil {
			r.wantError(t, 400, "ODataError")
			continue
		}
		got := []string{}
		for _, row := range r.want(t, 200).rows(t) {
			got = append(got, row["LastScanned"].(string)[11:14])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
	if rows := c.call("POST", byScan, `{"ScanDefinitionIds":["nobody"]}`).want(t, 200).rows(t); len(rows) != 0 {
		t.Errorf("runs of an unknown definition: %v", rows)
	}
	if len(c.sim.Writes()) != 0 {
		t.Error("reading history is a write")
	}
}

// TestMetadataHistory checks that both reads return one contract, in camelCase, with statuses in one word.
func TestMetadataHistory(t *testing.T) {
	c := startSimulator(t, defendertest.Options{MetadataHistory: true})
	for path, body := range map[string]string{byScan: `{"ScanDefinitionIds":["` + routers + `"]}`, bySession: `{"SessionIds":["01decc497f4b4ec49a5fc4e12597f8c8"]}`} {
		run := c.call("POST", path, body).want(t, 200).rows(t)[0]
		if run["scanDefinitionId"] != routers || run["sessionId"] != "01decc497f4b4ec49a5fc4e12597f8c8" || run["scanStatus"] != "PartialSuccess" {
			t.Errorf("%s: %v", path, run)
		}
	}
}
