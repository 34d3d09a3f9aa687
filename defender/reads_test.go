package defender_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scanwarden/defender"
)

var sameFields = cmpopts.IgnoreUnexported(defender.Definition{})

func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDefinitions(t *testing.T) {
	s := startService(t, respond(200, fixture(t, "list-definitions-windows-and-network.old-page.response.repaired")))
	got, err := newClient(t, s.config()).Definitions(t.Context(), defender.Actor{})
	if err != nil {
		t.Fatal(err)
	}
	want := []defender.Definition{{
		ID: "60c4aa57-ioi3-1290-7ff6-09fr14792a92", ScanType: "Network", ScanName: "Network-test-scan", IsActive: true,
		Target: "127.0.0.1", TargetType: "Ip", IntervalInHours: ptr(1), OrgID: "asdf781a0c-792d-46d3-bbea-a93dbc0bfcaa",
		CreatedBy: "test@contoso.com",
		ScannerAgent: defender.Scanner{
			ID:        "4asdff0c-3344-46d3-bxxe-a9334rtgfcaa_eb6df89dfdf9032f61eedf14c4b90f77",
			MachineID: "eb663a27676kjhj61bc268a79eedf14c4t78u7", Name: "DESKTOP-Test",
			LastSeen: parseTime("2022-12-21T14:34:19.5698988Z"), ScannerSoftwareVersion: "7.1.1",
		},
		LatestScan: defender.LatestScan{Status: "Fail", ExecutionDateTime: parseTime("2022-12-21T14:35:55.6702703Z")},
	}, {
		ID: "60c4vv57-asdf-3454-a456-2e45t9d79ec9d", ScanType: "Windows", ScanName: "Test Windows scan", IsActive: true,
		Target: "127.0.0.1", TargetType: "Ip", IntervalInHours: ptr(1), OrgID: "47d21a0c-cccd-45d3-bffa-a93dbc0bfcaa",
		CreatedBy: "test@contoso.com",
		ScannerAgent: defender.Scanner{
			ID:        "47d41a0c-xxx-46d3-bbea-93dbc0bfcaa_1bc268a79eedf14c4b90f77",
			MachineID: "eb663asadf345dfg4bc268a79eedf14c4b90f77", Name: "DESKTOP-TEST",
			LastSeen: parseTime("2021-12-19T20:29:04.8242449Z"), ScannerSoftwareVersion: "7.1.1",
		},
		LatestScan: defender.LatestScan{Status: "Fail", ExecutionDateTime: parseTime("2021-12-19T20:06:55.2295854Z")},
	}}
	if diff := cmp.Diff(want, got, sameFields); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	wantCall := receivedRequest{"GET", "/api/DeviceAuthenticatedScanDefinitions", "Bearer token", "application/json", "", "scanwarden", ""}
	if diff := cmp.Diff([]receivedRequest{wantCall}, s.requests()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestDefinitionsAreSortedByNameThenID(t *testing.T) {
	s := startService(t, respond(200, `{"value":[{"id":"3","scanName":"b"},{"id":"2","scanName":"a"},{"id":"1","scanName":"b"}]}`))
	got, err := newClient(t, s.config()).Definitions(t.Context(), defender.Actor{})
	var order string
	for _, d := range got {
		order += d.ScanName + d.ID + " "
	}
	if err != nil || order != "a2 b1 b3 " {
		t.Errorf("order %q, %v", order, err)
	}
}

func TestScannersAreSortedByNameThenMachine(t *testing.T) {
	s := startService(t, respond(200, `{"value":[{"machineId":"3","computerDnsName":"b"},{"machineId":"2","computerDnsName":"a"},{"machineId":"1","computerDnsName":"b"}]}`))
	got, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
	var order string
	for _, d := range got {
		order += d.Name + d.MachineID + " "
	}
	if err != nil || order != "a2 b1 b3 " {
		t.Errorf("order %q, %v", order, err)
	}
}

func TestDefinitionIsDecodedTolerantly(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want defender.Definition
	}{
		"unknown fields and enum values": {
			`{"id":"1","scanType":"Quantum","targetType":"Galaxy","isTroubleshootMode":true,"new":{"a":[1]}}`,
			defender.Definition{ID: "1", ScanType: "Quantum", TargetType: "Galaxy"},
		},
		"nulls": {
			`{"id":"1","scanName":null,"targetType":null,"intervalInHours":null,"scannerAgent":null,"latestScan":null,"scanAuthenticationParams":null,"isActive":null}`,
			defender.Definition{ID: "1"},
		},
		"nulls inside": {
			`{"id":"1","scannerAgent":{"id":null,"machineId":"m","machineName":null,"lastSeen":null},"latestScan":{"status":null,"executionDateTime":null}}`,
			defender.Definition{ID: "1", ScannerAgent: defender.Scanner{MachineID: "m"}},
		},
		"PascalCase": {
			`{"Id":"1","ScanName":"n","IsActive":true,"IntervalInHours":4,"ScannerAgent":{"MachineId":"m","MachineName":"h","LastSeen":"2025-12-18T14:33:48Z"},"LatestScan":{"Status":"Success"}}`,
			defender.Definition{ID: "1", ScanName: "n", IsActive: true, IntervalInHours: ptr(4),
				ScannerAgent: defender.Scanner{MachineID: "m", Name: "h", LastSeen: parseTime("2025-12-18T14:33:48Z")},
				LatestScan:   defender.LatestScan{Status: "Success"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startService(t, respond(200, `{"value":[`+tt.body+`]}`))
			got, err := newClient(t, s.config()).Definitions(t.Context(), defender.Actor{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]defender.Definition{tt.want}, got, sameFields); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	for in, want := range map[string]string{
		`"2025-12-18T14:33:48Z"`:              "2025-12-18T14:33:48Z",
		`"2025-12-18T14:33:48.4Z"`:            "2025-12-18T14:33:48.4Z",
		`"2025-12-18T14:33:49.413596Z"`:       "2025-12-18T14:33:49.413596Z",
		`"2025-12-18T14:04:34.2258259Z"`:      "2025-12-18T14:04:34.2258259Z",
		`"2025-12-18T14:04:34.123456789123Z"`: "2025-12-18T14:04:34.123456789Z",
		`"2025-12-18T16:04:34.2258259+02:00"`: "2025-12-18T14:04:34.2258259Z",
		`"0001-01-01T00:00:00Z"`:              "0001-01-01T00:00:00Z",
		`"0000-01-01T00:00:00+23:59"`:         "0001-01-01T00:00:00Z", // the year -1, which cannot be marshaled
		`"9999-12-31T23:59:59-23:59"`:         "0001-01-01T00:00:00Z",
		`"yesterday"`:                         "0001-01-01T00:00:00Z",
		`""`:                                  "0001-01-01T00:00:00Z",
		`null`:                                "0001-01-01T00:00:00Z",
		`1766068428`:                          "0001-01-01T00:00:00Z",
		`{"a":1}`:                             "0001-01-01T00:00:00Z",
	} {
		var s defender.Scanner
		if err := json.Unmarshal([]byte(`{"machineId":"m","lastSeen":`+in+`}`), &s); err != nil || s.MachineID != "m" {
			t.Errorf("%s: %v, machine %q", in, err, s.MachineID)
		}
		if got := s.LastSeen.Format(time.RFC3339Nano); got != want {
			t.Errorf("%s reads as %s, want %s", in, got, want)
		}
		if _, err := json.Marshal(s); err != nil {
			t.Errorf("%s cannot be shown again: %v", in, err)
		}
	}
}

func TestScanners(t *testing.T) {
	s := startService(t, respond(200, fixture(t, "list-agents.response.repaired")))
	got, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
	if err != nil {
		t.Fatal(err)
	}
	want := []defender.Scanner{
		{ID: "47df41a0c-asad-4fd6d3-bbea-a93dbc0bfcaa_4edd75b2407a5b64d704b4e53d74f15", MachineID: "4ejh675b240118fbehiuiy5b64d704b4e53d15",
			Name: "TEST_DOMAIN", LastSeen: parseTime("2022-05-08T12:18:41.538203Z"), ScannerSoftwareVersion: "7.1.1"},
		{ID: "47d41a0c-1dfd-46d3-bbea-a93dbc0bfcaa_eb663a27ae9d032f61bc268oiu4c4b90f77", MachineID: "eb663a27ae9d032sdf9dfd79eedf14c4b90f77",
			Name: "TEST_DOMAIN2", LastSeen: parseTime("2022-12-19T20:29:04.8242449Z"), ScannerSoftwareVersion: "7.1.1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scanners (-want +got):\n%s", diff)
	}
	if uri := s.requests()[0].URI; uri != "/api/DeviceAuthenticatedScanAgents" {
		t.Errorf("requested %s", uri)
	}
}

// Every response that the pages print can be decoded.
func TestEveryPrintedAnswerIsRead(t *testing.T) {
	names, err := filepath.Glob("testdata/*.response*.json")
	if err != nil || len(names) < 12 {
		t.Fatalf("%d responses, %v", len(names), err)
	}
	for _, path := range names {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		s := startService(t, respond(200, fixture(t, name)))
		c, n := newClient(t, s.config()), 0
		switch kind, _, _ := strings.Cut(name, "-"); {
		case kind == "history" || strings.HasPrefix(kind, "history."):
			var all []defender.Run
			all, err = c.RunsByDefinition(t.Context(), defender.Actor{}, []string{"a"}, defender.Page{})
			n = len(all)
		case strings.HasPrefix(name, "list-agents"):
			var all []defender.Scanner
			all, err = c.Scanners(t.Context(), defender.Actor{})
			n = len(all)
		case kind == "list":
			var all []defender.Definition
			all, err = c.Definitions(t.Context(), defender.Actor{})
			n = len(all)
		default:
			var r defender.Receipt
			r, err = sendWrite(t.Context(), newWriter(t, s.config()), newUpdate(t, scanID, labScan(nil)), nil)
			if r.Definition != nil {
				n = 1
			}
		}
		if err != nil || n == 0 {
			t.Errorf("%s: %d read, %v", name, n, err)
		}
	}
}

// Our own JSON can be decoded again, so a stored or relayed result loses nothing.
func TestWhatIsShownReadsBack(t *testing.T) {
	var runs struct{ Value []defender.Run }
	var list struct{ Value []defender.Definition }
	for name, v := range map[string]any{"history-by-session.new-page.response.repaired": &runs,
		"list-definitions-network-only.new-page.response.repaired": &list} {
		if err := json.Unmarshal([]byte(fixture(t, name)), v); err != nil {
			t.Fatal(err)
		}
	}
	shown, _ := json.Marshal([]any{runs.Value[0], list.Value[0]})
	var run defender.Run
	var definition defender.Definition
	if err := json.Unmarshal(shown, &[]any{&run, &definition}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(runs.Value[0], run) + cmp.Diff(list.Value[0], definition, sameFields); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
