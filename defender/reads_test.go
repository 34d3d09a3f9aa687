package defender_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scanwarden/defender"
)

var sameFields = cmpopts.IgnoreUnexported(defender.Definition{})

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDefinitions(t *testing.T) {
	s := serve(t, says(200, fixture(t, "list-definitions-windows-and-network.old-page.response.repaired")))
	got, err := newClient(t, s.config()).Definitions(t.Context())
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
			LastSeen: at("2022-12-21T14:34:19.5698988Z"), ScannerSoftwareVersion: "7.1.1",
		},
		LatestScan: defender.LatestScan{Status: "Fail", ExecutionDateTime: at("2022-12-21T14:35:55.6702703Z")},
	}, {
		ID: "60c4vv57-asdf-3454-a456-2e45t9d79ec9d", ScanType: "Windows", ScanName: "Test Windows scan", IsActive: true,
		Target: "127.0.0.1", TargetType: "Ip", IntervalInHours: ptr(1), OrgID: "47d21a0c-cccd-45d3-bffa-a93dbc0bfcaa",
		CreatedBy: "test@contoso.com",
		ScannerAgent: defender.Scanner{
			ID:        "47d41a0c-xxx-46d3-bbea-93dbc0bfcaa_1bc268a79eedf14c4b90f77",
			MachineID: "eb663asadf345dfg4bc268a79eedf14c4b90f77", Name: "DESKTOP-TEST",
			LastSeen: at("2021-12-19T20:29:04.8242449Z"), ScannerSoftwareVersion: "7.1.1",
		},
		LatestScan: defender.LatestScan{Status: "Fail", ExecutionDateTime: at("2021-12-19T20:06:55.2295854Z")},
	}}
	if diff := cmp.Diff(want, got, sameFields); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	wantCall := received{"GET", "/api/DeviceAuthenticatedScanDefinitions", "Bearer token", "application/json", "", "scanwarden", ""}
	if diff := cmp.Diff([]received{wantCall}, s.asked()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestDefinitionsAreSortedByNameThenID(t *testing.T) {
	s := serve(t, says(200, `{"value":[{"id":"3","scanName":"b"},{"id":"2","scanName":"a"},{"id":"1","scanName":"b"}]}`))
	got, err := newClient(t, s.config()).Definitions(t.Context())
	var order string
	for _, d := range got {
		order += d.ScanName + d.ID + " "
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
				ScannerAgent: defender.Scanner{MachineID: "m", Name: "h", LastSeen: at("2025-12-18T14:33:48Z")},
				LatestScan:   defender.LatestScan{Status: "Success"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, says(200, `{"value":[`+tt.body+`]}`))
			got, err := newClient(t, s.config()).Definitions(t.Context())
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
		`"0000-01-01T00:00:00+23:59"`:         "0001-01-01T00:00:00Z", // the year -1, which cannot be marshalled
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
	s := serve(t, says(200, fixture(t, "list-agents.response.repaired")))
	got, err := newClient(t, s.config()).Scanners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []defender.Scanner{
		{ID: "47df41a0c-asad-4fd6d3-bbea-a93dbc0bfcaa_4edd75b2407a5b64d704b4e53d74f15", MachineID: "4ejh675b240118fbehiuiy5b64d704b4e53d15",
			Name: "TEST_DOMAIN", LastSeen: at("2022-05-08T12:18:41.538203Z"), ScannerSoftwareVersion: "7.1.1"},
		{ID: "47d41a0c-1dfd-46d3-bbea-a93dbc0bfcaa_eb663a27ae9d032f61bc268oiu4c4b90f77", MachineID: "eb663a27ae9d032sdf9dfd79eedf14c4b90f77",
			Name: "TEST_DOMAIN2", LastSeen: at("2022-12-19T20:29:04.8242449Z"), ScannerSoftwareVersion: "7.1.1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scanners (-want +got):\n%s", diff)
	}
	if uri := s.asked()[0].URI; uri != "/api/DeviceAuthenticatedScanAgents" {
		t.Errorf("asked %s", uri)
	}
}

func TestRunsByDefinition(t *testing.T) {
	s := serve(t, says(200, fixture(t, "history-by-definition.new-page.response.repaired")))
	ids := []string{"4ad8d463-6b3a-4894-b42a-a2de9ea0a8ae", "60c4aa57-c573-4488-8d18-230914792a92", "c6220f67-2cad-4ba3-a2fa-7ded6384da56"}
	got, err := newClient(t, s.config()).RunsByDefinition(t.Context(), ids, defender.Page{})
	if err != nil || len(got) != 3 {
		t.Fatalf("%d runs, %v", len(got), err)
	}
	want := defender.Run{ScanDefinitionID: ids[0], ScannerID: "625431694b7d2ca9d07e77ca1b029ef216bebb6d",
		ScanStatus: "Partial Success", LastScanned: at("2022-12-20T11:14:24.5561791Z")}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("first run (-want +got):\n%s", diff)
	}
	call := s.asked()[0]
	if call.Method != "POST" || call.URI != "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId" {
		t.Errorf("asked %s %s", call.Method, call.URI)
	}
	if want := compact(t, fixture(t, "history-by-definition.request")); call.Body != want || call.Type != "application/json" {
		t.Errorf("sent %s as %q, want %s", call.Body, call.Type, want)
	}
}

func TestRunsBySession(t *testing.T) {
	s := serve(t, says(200, fixture(t, "history-by-session.new-page.response.repaired")))
	got, err := newClient(t, s.config()).RunsBySession(t.Context(), []string{"01decc497f4b4ec49a5fc4e12597f8c8"})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d runs, %v", len(got), err)
	}
	target := func(n int, name, about, took string) defender.RunTarget {
		return defender.RunTarget{IP: fmt.Sprint("127.0.0.", n), Hostname: name, Description: about, ScanStatus: "Success", Duration: took}
	}
	want := defender.Run{
		ScanDefinitionID: "4ad8d463-6b3a-4894-b42a-a2de9ea0a8ae", SessionID: "01decc497f4b4ec49a5fc4e12597f8c8",
		ScanStatus: "Success", LastScanned: at("2022-12-19T15:14:24.5561791Z"), Targets: 3, Successful: 3,
		ScannedTargets: []defender.RunTarget{
			target(1, "DESKTOP-Test", "Network device", "00:08:30"),
			target(2, "DESKTOP-Test2", "Network device 2", "00:08:00"),
			target(3, "DESKTOP-Test3", "Network device 3", "00:08:50"),
		},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	call := s.asked()[0]
	if want := compact(t, fixture(t, "history-by-session.request")); call.Body != want ||
		call.URI != "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryBySessionId" {
		t.Errorf("sent %s to %s, want %s", call.Body, call.URI, want)
	}
}

func TestRunsInTheShapeOfTheMetadata(t *testing.T) {
	s := serve(t, says(200, fixture(t, "history.response.derived-from-metadata")))
	got, err := newClient(t, s.config()).RunsBySession(t.Context(), []string{"01decc497f4b4ec49a5fc4e12597f8c8"})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d runs, %v", len(got), err)
	}
	want := defender.Run{
		ScanDefinitionID: "4ad8d463-6b3a-4894-b42a-a2de9ea0a8ae", SessionID: "01decc497f4b4ec49a5fc4e12597f8c8",
		ScannerID: "625431694b7d2ca9d07e77ca1b029ef216bebb6d", ScanStatus: "PartialSuccess", Targets: 2, Successful: 1,
		ScannedTargets: []defender.RunTarget{
			{IP: "192.0.2.10", Hostname: "sw-core-01", Description: "Network device", ScanStatus: "Success", Duration: "00:08:30.0000000"},
			{IP: "192.0.2.11", Error: "timeout", ScanStatus: "Failure", Duration: "00:00:05.0000000"},
		},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
}

func TestRunFieldsThatAreSometimesArrays(t *testing.T) {
	for in, want := range map[string]defender.Run{
		`{"ScanDefinitionIds":["a"],"SessionIds":["s"]}`:      {ScanDefinitionID: "a", SessionID: "s"},
		`{"ScanDefinitionIds":["a","b"]}`:                     {ScanDefinitionID: "a,b"},
		`{"ScanDefinitionIds":null,"SessionIds":null}`:        {},
		`{"ListScannedTargets":{"Ip":"127.0.0.1"}}`:           {ScannedTargets: []defender.RunTarget{{IP: "127.0.0.1"}}},
		`{"generalErrorMessage":"no route","scannerId":null}`: {Error: "no route"},
	} {
		var got defender.Run
		if err := json.Unmarshal([]byte(in), &got); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%s reads as %+v, %v, want %+v", in, got, err, want)
		}
	}
}

// What we show can be read back: a stored or relayed result loses nothing.
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

func TestHistoryPageParameters(t *testing.T) {
	for want, p := range map[string]defender.Page{
		"":                  {},
		"?$top=1":           {Top: 1},
		"?$skip=7":          {Skip: 7},
		"?$top=25&$skip=50": {Top: 25, Skip: 50},
	} {
		s := serve(t, says(200, `{"value":[]}`))
		runs, err := newClient(t, s.config()).RunsByDefinition(t.Context(), []string{"a"}, p)
		if err != nil || runs == nil || len(runs) != 0 {
			t.Errorf("%+v: %v, %v, want no runs and no error", p, runs, err)
		}
		if got := s.asked()[0].URI; got != "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId"+want {
			t.Errorf("%+v asked %s", p, got)
		}
	}
}

func TestHistoryRefusesBeforeSending(t *testing.T) {
	s := serve(t, says(200, `{"value":[]}`))
	c := newClient(t, s.config())
	for _, p := range []defender.Page{{Top: -1}, {Skip: -1}} {
		if _, err := c.RunsByDefinition(t.Context(), []string{"a"}, p); asError(t, err).Kind != defender.ErrInvalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, ids := range [][]string{nil, {""}, {"a", "a"}, {"a\n"}, {strings.Repeat("x", 129)}, make([]string, 501)} {
		if _, err := c.RunsBySession(t.Context(), ids); asError(t, err).Kind != defender.ErrInvalid {
			t.Errorf("%d ids: %v", len(ids), err)
		}
	}
	if n := len(s.asked()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

// A list that is not one must not pass for an empty one: to whoever waits for a delete, empty means gone.
func TestAListThatIsNotOneIsAnError(t *testing.T) {
	for _, body := range []string{``, `null`, `{}`, `{"value":null}`, `[]`, `{"value":{}}`, `{"value":[{"isActive":"x"}]}`,
		`<html>Sign in</html>`, `{"value":[]`, `"text"`} {
		s := serve(t, says(200, body))
		got, err := newClient(t, s.config()).Definitions(t.Context())
		if err == nil || len(got) != 0 {
			t.Errorf("%q gave %v, %v", body, got, err)
			continue
		}
		if e := asError(t, err); e.Status != 200 || e.Next == "" || len(s.asked()) != 1 {
			t.Errorf("%q: %+v after %d calls", body, e, len(s.asked()))
		}
	}
}

func TestAnOversizedAnswerIsRefused(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"value":[],"pad":"`)
		io.WriteString(w, strings.Repeat("x", 8<<20))
		io.WriteString(w, `"}`)
	})
	_, err := newClient(t, s.config()).Definitions(t.Context())
	if err == nil || !strings.Contains(err.Error(), "larger than 8 MiB") || len(s.asked()) != 1 {
		t.Errorf("%v after %d calls", err, len(s.asked()))
	}
}

func TestKeyVaultField(t *testing.T) {
	for name, tt := range map[string]struct{ property, want string }{
		"uri":        {"keyVaultUri", "keyVaultUri"},
		"url":        {"keyVaultUrl", "keyVaultUrl"},
		"other case": {"KeyVaultURI", "keyVaultUri"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, says(200, metadata("ComplexType", "AuthParamsBase", tt.property)))
			got, err := newClient(t, s.config()).KeyVaultField(t.Context())
			if got != tt.want || err != nil {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
			if call := s.asked()[0]; call.URI != "/api/$metadata" || call.Accept != "application/xml" {
				t.Errorf("asked %s for %s", call.URI, call.Accept)
			}
		})
	}
	for _, body := range []string{metadata("ComplexType", "AuthParamsBase", "type"), metadata("ComplexType", "Other", "keyVaultUrl"), `{}`, ``, `<a>`} {
		s := serve(t, says(200, body))
		if got, err := newClient(t, s.config()).KeyVaultField(t.Context()); got != "" || asError(t, err).Next == "" {
			t.Errorf("%q gave %q, %v", body, got, err)
		}
	}
}

func metadata(kind, name, property string) string {
	return `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
 <Schema Namespace="microsoft.windowsDefenderATP.api" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EntityType Name="Machine"><Key><PropertyRef Name="id"/></Key><Property Name="id" Type="Edm.String"/></EntityType>
 </Schema>
 <Schema Namespace="other" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <` + kind + ` Name="` + name + `" Abstract="true"><Property Name="` + property + `" Type="Edm.String"/></` + kind + `>
 </Schema></edmx:DataServices></edmx:Edmx>`
}
