package defender_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/defender"
)

func TestRunsByDefinition(t *testing.T) {
	s := startService(t, respond(200, fixture(t, "history-by-definition.new-page.response.repaired")))
	ids := []string{"4ad8d463-6b3a-4894-b42a-a2de9ea0a8ae", "60c4aa57-c573-4488-8d18-230914792a92", "c6220f67-2cad-4ba3-a2fa-7ded6384da56"}
	got, err := newClient(t, s.config()).RunsByDefinition(t.Context(), defender.Actor{}, ids, defender.Page{})
	if err != nil || len(got) != 3 {
		t.Fatalf("%d runs, %v", len(got), err)
	}
	want := defender.Run{ScanDefinitionID: ids[0], ScannerID: "625431694b7d2ca9d07e77ca1b029ef216bebb6d",
		ScanStatus: "Partial Success", LastScanned: parseTime("2022-12-20T11:14:24.5561791Z")}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("first run (-want +got):\n%s", diff)
	}
	call := s.requests()[0]
	if call.Method != "POST" || call.URI != "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId" {
		t.Errorf("requested %s %s", call.Method, call.URI)
	}
	if want := compactJSON(t, fixture(t, "history-by-definition.request")); call.Body != want || call.Type != "application/json" {
		t.Errorf("sent %s as %q, want %s", call.Body, call.Type, want)
	}
}

func TestRunsBySession(t *testing.T) {
	s := startService(t, respond(200, fixture(t, "history-by-session.new-page.response.repaired")))
	got, err := newClient(t, s.config()).RunsBySession(t.Context(), defender.Actor{}, []string{"01decc497f4b4ec49a5fc4e12597f8c8"})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d runs, %v", len(got), err)
	}
	target := func(n int, name, about, took string) defender.RunTarget {
		return defender.RunTarget{IP: fmt.Sprint("127.0.0.", n), Hostname: name, Description: about, ScanStatus: "Success", Duration: took}
	}
	want := defender.Run{
		ScanDefinitionID: "4ad8d463-6b3a-4894-b42a-a2de9ea0a8ae", SessionID: "01decc497f4b4ec49a5fc4e12597f8c8",
		ScanStatus: "Success", LastScanned: parseTime("2022-12-19T15:14:24.5561791Z"), Targets: 3, Successful: 3,
		ScannedTargets: []defender.RunTarget{
			target(1, "DESKTOP-Test", "Network device", "00:08:30"),
			target(2, "DESKTOP-Test2", "Network device 2", "00:08:00"),
			target(3, "DESKTOP-Test3", "Network device 3", "00:08:50"),
		},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	call := s.requests()[0]
	if want := compactJSON(t, fixture(t, "history-by-session.request")); call.Body != want ||
		call.URI != "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryBySessionId" {
		t.Errorf("sent %s to %s, want %s", call.Body, call.URI, want)
	}
}

func TestRunsInTheShapeOfTheMetadata(t *testing.T) {
	s := startService(t, respond(200, fixture(t, "history.response.derived-from-metadata")))
	got, err := newClient(t, s.config()).RunsBySession(t.Context(), defender.Actor{}, []string{"01decc497f4b4ec49a5fc4e12597f8c8"})
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

func TestHistoryPageParameters(t *testing.T) {
	for want, p := range map[string]defender.Page{
		"":                  {},
		"?$top=1":           {Top: 1},
		"?$skip=7":          {Skip: 7},
		"?$top=25&$skip=50": {Top: 25, Skip: 50},
	} {
		s := startService(t, respond(200, `{"value":[]}`))
		runs, err := newClient(t, s.config()).RunsByDefinition(t.Context(), defender.Actor{}, []string{"a"}, p)
		if err != nil || runs == nil || len(runs) != 0 {
			t.Errorf("%+v: %v, %v, want no runs and no error", p, runs, err)
		}
		if got := s.requests()[0].URI; got != "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId"+want {
			t.Errorf("%+v requested %s", p, got)
		}
	}
}

func TestHistoryRefusesBeforeSending(t *testing.T) {
	s := startService(t, respond(200, `{"value":[]}`))
	c := newClient(t, s.config())
	for _, p := range []defender.Page{{Top: -1}, {Skip: -1}} {
		if _, err := c.RunsByDefinition(t.Context(), defender.Actor{}, []string{"a"}, p); asError(t, err).Kind != defender.ErrInvalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, ids := range [][]string{nil, {""}, {"a", "a"}, {"a\n"}, {strings.Repeat("x", 129)}, make([]string, 501)} {
		if _, err := c.RunsBySession(t.Context(), defender.Actor{}, ids); asError(t, err).Kind != defender.ErrInvalid {
			t.Errorf("%d ids: %v", len(ids), err)
		}
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}
