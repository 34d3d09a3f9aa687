package mcpserver_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scanwarden/defender/defendertest"
)

// answerBudget bounds an answer in bytes: 20,000 tokens of four bytes.
const answerBudget = 20_000 * 4

// listPage is the answer of a list.
type listPage struct {
	Total    int
	Scans    []map[string]any
	Scanners []map[string]any
	Runs     []struct{ ScannedTargets []map[string]any }
	Next     string
}

// callList calls a tool that lists, checks the size of the whole answer, and returns it.
func (s *stack) callList(t *testing.T, tool string, args map[string]any) listPage {
	t.Helper()
	got := s.callTool(t, toolCall{tool: tool, args: args})
	if len(got.raw) > answerBudget {
		t.Errorf("%s %v takes %d bytes, and may take %d", tool, args, len(got.raw), answerBudget)
	}
	var page listPage
	if err := json.Unmarshal(got.Result.Structured, &page); err != nil || got.Result.IsError {
		t.Fatalf("%v in %.300s", err, got.raw)
	}
	if len(got.Result.Content) != 1 || got.Result.Content[0].Text != string(got.Result.Structured) {
		t.Errorf("%s: the text is not the JSON of the structured content: %.300s", tool, got.raw)
	}
	return page
}

// readAll reads a list to its end as a model would, by the offset in next, and returns the entries of each page.
func (s *stack) readAll(t *testing.T, tool string, args map[string]any, count func(listPage) int) (pages []int, last listPage) {
	t.Helper()
	read := 0
	for {
		last = s.callList(t, tool, args)
		n := count(last)
		pages, read = append(pages, n), read+n
		if last.Next == "" {
			if read != last.Total {
				t.Errorf("%s: %d entries in %v, want the total of %d", tool, read, pages, last.Total)
			}
			return pages, last
		}
		if want := fmt.Sprintf("%s again with the same arguments and offset %d", tool, read); n == 0 || !strings.Contains(last.Next, want) {
			t.Fatalf("%s: next after %d entries is %q, want %q", tool, read, last.Next, want)
		}
		args["offset"] = read
	}
}

func (s *stack) serveScans(t *testing.T, n int, change func(i int, scan map[string]any)) {
	t.Helper()
	const machine, org = "eb663a27ae9d032f61bc268a79eedf14c4b90f77", "0335a792-18d2-424b-aeed-559567054570"
	scans := make([]map[string]any, n)
	for i := range scans {
		var targets []string
		for k := range 8 {
			targets = append(targets, fmt.Sprintf("10.%d.%d.%d", i/250, i%250, k+1))
		}
		scans[i] = map[string]any{
			"id": fmt.Sprintf("d9%06d-1111-4222-8333-444455556666", i), "scanType": "Network",
			"scanName": fmt.Sprintf("Site %03d core switches", i), "isActive": true, "target": strings.Join(targets, ","),
			"targetType": "Ip", "orgId": org, "intervalInHours": 4, "createdBy": "netops@contoso.example",
			"scannerAgent": map[string]any{
				"id": org + "_" + machine, "machineId": machine, "machineName": "scan-hq-01.contoso.example",
				"lastSeen": "2026-11-29T10:00:00.1234567Z", "scannerSoftwareVersion": "9.3.15.19",
			},
			"latestScan": map[string]any{"status": "Success", "executionDateTime": "2026-11-29T09:00:00Z"},
		}
		if change != nil {
			change(i, scans[i])
		}
	}
	s.answerWith(t, "DeviceAuthenticatedScanDefinitions", scans)
}

// answerWith makes Defender answer all requests of a path with a list.
func (s *stack) answerWith(t *testing.T, path string, list any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"value": list})
	if err != nil {
		t.Fatal(err)
	}
	s.Tenant.ClearFaults()
	s.Tenant.Fail(defendertest.Fault{Path: path, Times: -1, Body: string(body)})
}

// TestALongListIsReadInPages: a tenant of 300 scans, as clients that refuse long answers have met it.
func TestALongListIsReadInPages(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.serveScans(t, 300, nil)
	seen := map[any]bool{}
	pages, last := s.readAll(t, "list_scans", map[string]any{}, func(p listPage) int {
		for _, scan := range p.Scans {
			seen[scan["id"]] = true
		}
		return len(p.Scans)
	})
	if len(seen) != 300 || last.Total != 300 || len(pages) > 4 {
		t.Errorf("%d scans of %d in %v", len(seen), last.Total, pages)
	}
	scanner, _ := json.Marshal(last.Scans[0]["scannerAgent"])
	if string(scanner) != `{"machineId":"eb663a27ae9d032f61bc268a79eedf14c4b90f77","name":"scan-hq-01.contoso.example"}` {
		t.Errorf("the scanner of a scan is %s, want its id and name only", scanner)
	}
	if page := s.callList(t, "list_scans", map[string]any{"filter": "Site 12"}); page.Total != 10 || len(page.Scans) != 10 || page.Next != "" {
		t.Errorf("filtered: total %d, %d scans, next %q", page.Total, len(page.Scans), page.Next)
	}
	if page := s.callList(t, "list_scans", map[string]any{"offset": 1000}); page.Total != 300 || len(page.Scans) != 0 || page.Next != "" {
		t.Errorf("beyond the end: total %d, %d scans, next %q", page.Total, len(page.Scans), page.Next)
	}
}

// TestAnEntryThatIsTooLongIsCut: texts of any length, with characters that JSON and the text of a result escape.
func TestAnEntryThatIsTooLongIsCut(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, char := range []string{`"`, "<", "\u202e", "\U0001f600"} {
		long := strings.Repeat(char, 12_000)
		s.serveScans(t, 2, func(i int, scan map[string]any) {
			scan["id"] = long
			for _, field := range []string{"scanName", "target", "createdBy", "scanType", "targetType"} {
				scan[field] = long
			}
			scan["scannerAgent"] = map[string]any{"machineId": long, "machineName": long}
			scan["latestScan"] = map[string]any{"status": long, "failureReason": long}
		})
		s.Service.InvalidateCache()
		pages, last := s.readAll(t, "list_scans", map[string]any{}, func(p listPage) int { return len(p.Scans) })
		if len(pages) != 2 || !strings.Contains(fmt.Sprint(last.Scans[0]["target"]), "more characters)") {
			t.Errorf("%q: %v, %.100s", char, pages, last.Scans[0]["target"])
		}
		s.answerWith(t, "DeviceAuthenticatedScanAgents", []any{map[string]any{"id": long, "machineId": long, "computerDnsName": long, "scannerSoftwareVersion": long}})
		s.readAll(t, "list_scanners", map[string]any{}, func(p listPage) int { return len(p.Scanners) })
		target := map[string]any{"ip": long, "hostname": long, "scannedDeviceDescription": long, "errorMessage": long, "scanStatus": long, "scanDuration": long}
		s.answerWith(t, "GetScanHistoryBySessionId", []any{map[string]any{
			"scanDefinitionId": long, "sessionId": long, "scannerId": long, "scanStatus": long, "generalErrorMessage": long, "scannedTargets": []any{target, target},
		}})
		s.readAll(t, "scan_history", map[string]any{"sessionIds": []string{"1"}}, func(p listPage) int { return len(p.Runs[0].ScannedTargets) })
	}
}

// TestTheTargetsOfOneRunAreReadInPages: one run can have 4,096 targets.
func TestTheTargetsOfOneRunAreReadInPages(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var targets []any
	for i := range 4096 {
		targets = append(targets, map[string]any{"ip": fmt.Sprintf("10.0.%d.%d", i/256, i%256), "scanStatus": "Success", "scanDuration": "00:00:12"})
	}
	s.answerWith(t, "GetScanHistoryBySessionId", []any{
		map[string]any{"sessionId": "a", "scanStatus": "Success", "scannedTargets": targets},
		map[string]any{"sessionId": "b", "scanStatus": "Fail", "generalErrorMessage": "no answer"},
	})
	seen := map[any]bool{}
	pages, last := s.readAll(t, "scan_history", map[string]any{"sessionIds": []string{"a", "b"}}, func(p listPage) (n int) {
		for _, run := range p.Runs {
			n += max(1, len(run.ScannedTargets))
			for _, target := range run.ScannedTargets {
				seen[target["ip"]] = true
			}
		}
		return n
	})
	if len(seen) != 4096 || last.Total != 4097 || len(pages) < 2 {
		t.Errorf("%d targets of %d in %v", len(seen), last.Total, pages)
	}
}

// TestLongHistoryIsReadInPages: the runs of one scan.
func TestLongHistoryIsReadInPages(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var runs []any
	for i := range 1000 {
		runs = append(runs, map[string]any{"scanDefinitionIds": "d14cefe1-0301-488c-ad17-a86c428c3727", "sessionIds": fmt.Sprintf("%032x", i), "scanStatus": "Success", "numberOfTargets": 8})
	}
	s.answerWith(t, "GetScanHistoryByScanDefinitionId", runs)
	args := map[string]any{"scanDefinitionIds": []string{"d14cefe1-0301-488c-ad17-a86c428c3727"}}
	pages, _ := s.readAll(t, "scan_history", args, func(p listPage) int { return len(p.Runs) })
	if len(pages) < 2 {
		t.Errorf("1,000 runs in %v", pages)
	}
}
