package defendertest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"scanwarden/defender/defendertest"

	"github.com/google/go-cmp/cmp"
)

func TestAddStoresWhatWasSentAndHidesIt(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	answer := c.call("POST", definitions, fixture(t, "add-network-authpriv.new-page.request.json")).want(t, 200)
	got := answer.object(t)
	for name, want := range map[string]any{
		"scanName": "Test Network scan", "isActive": true, "target": "127.0.0.1", "intervalInHours": 1.0,
		"createdBy": "username@test.com", "targetType": "Ip", "scanType": "Network",
		"scanAuthenticationParams": nil, "advancedActiveConfiguration": nil,
		"latestScan": map[string]any{"status": nil, "failureReason": nil, "executionDateTime": nil},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	agent := got["scannerAgent"].(map[string]any)
	if agent["machineId"] != machine || agent["id"] != got["orgId"].(string)+"_"+machine || agent["machineName"] != "scan-hq-01.contoso.example" {
		t.Errorf("scannerAgent %v", agent)
	}
	stored, ok := c.sim.Scan(got["id"].(string))
	if !ok {
		t.Fatalf("nothing stored under the id answered, %v", got["id"])
	}
	auth := stored["scanAuthenticationParams"].(map[string]any)
	if auth["authPassword"] != "authPassword" || auth["@odata.type"] != "#microsoft.windowsDefenderATP.api.SnmpAuthParams" {
		t.Errorf("stored credentials %v", auth)
	}
	if stored["intervalInHours"] != 1 || len(c.sim.Writes()) != 1 {
		t.Errorf("interval %T %v, %d writes", stored["intervalInHours"], stored["intervalInHours"], len(c.sim.Writes()))
	}
	list := c.call("GET", definitions, "")
	if strings.Contains(string(list.body), "authPassword") || strings.Contains(string(answer.body), "authPassword") {
		t.Error("an answer shows credentials")
	}
}

// TestStoresTheScannersMachineIDAlone checks that the other members of a scannerAgent are those of the scanner now.
func TestStoresTheScannersMachineIDAlone(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	answer := c.call("POST", definitions, fixture(t, "add-windows.2022-page.request.json")).want(t, 200).object(t)
	stored, _ := c.sim.Scan(answer["id"].(string))
	if diff := cmp.Diff(any(object{"machineId": machine}), stored["scannerAgent"]); diff != "" {
		t.Errorf("stored scannerAgent (-want +got):\n%s", diff)
	}
	if name := answer["scannerAgent"].(object)["machineName"]; name != "scan-hq-01.contoso.example" {
		t.Errorf("machineName %v is the caller's, not the scanner's", name)
	}
}

func TestUpdateMergesAndKeepsCredentials(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	before, _ := c.sim.Scan(switches)
	c.call("PATCH", "/api/v1.0/DeviceAuthenticatedScanDefinitions/"+switches, `{"isActive":false,"intervalInHours":null}`).want(t, 200)
	after, _ := c.sim.Scan(switches)
	before["isActive"], before["intervalInHours"] = false, nil
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("stored definition (-want +got):\n%s", diff)
	}
	c.call("PATCH", definitions+"/"+switches, fixture(t, "update-network.new-page.request.json")).want(t, 200)
	after, _ = c.sim.Scan(switches)
	if after["target"] != "127.0.0.1,127.0.0.2" || after["intervalInHours"] != 1 {
		t.Errorf("stored definition %v", after)
	}
	c.call("PATCH", definitions+"/no-such-scan", `{"isActive":false}`).wantError(t, 404, "ResourceNotFound")
	if got := len(c.sim.Writes()); got != 2 {
		t.Errorf("%d writes; want 2", got)
	}
}

func TestDeleteIsAllOrNothing(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	c.call("POST", batchDelete, `{"ScanDefinitionIds":["`+switches+`","no-such-scan"]}`).wantError(t, 404, "ResourceNotFound")
	if _, ok := c.sim.Scan(switches); !ok {
		t.Error("a refused delete deleted")
	}
	if r := c.call("POST", batchDelete, `{"ScanDefinitionIds":["`+switches+`","`+routers+`"]}`).want(t, 200); len(r.body) != 0 {
		t.Errorf("body %q", r.body)
	}
	for _, id := range []string{switches, routers} {
		if _, ok := c.sim.Scan(id); ok {
			t.Errorf("%s is still there", id)
		}
	}
}

// TestListOrder checks that the list is not in a useful order: none is documented, so a client must not depend on one.
func TestListOrder(t *testing.T) {
	c := startSimulator(t, defendertest.Options{Empty: true})
	for _, id := range []string{"c", "a", "b"} {
		c.sim.AddScan(map[string]any{"id": id})
	}
	var listed, stored []any
	for _, row := range c.call("GET", definitions, "").rows(t) {
		listed = append(listed, row["id"])
	}
	for _, scan := range c.sim.Scans() {
		stored = append(stored, scan["id"])
	}
	if diff := cmp.Diff([]any{"a", "b", "c"}, listed); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"c", "a", "b"}, stored); diff != "" {
		t.Errorf("Scans (-want +got):\n%s", diff)
	}
}

func TestEmptyTenant(t *testing.T) {
	c := startSimulator(t, defendertest.Options{Empty: true})
	for _, path := range []string{definitions, agents} {
		if got := c.call("GET", path, "").want(t, 200); !strings.HasSuffix(string(got.body), `"value":[]}`) {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}

func TestUndocumentedRoutes(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	for _, test := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", definitions + "/" + switches, 404, "ResourceNotFound"},
		{"DELETE", definitions + "/" + switches, 405, "MethodNotAllowed"},
		{"DELETE", definitions, 405, "MethodNotAllowed"},
		{"GET", batchDelete, 405, "MethodNotAllowed"},
		{"PATCH", batchDelete, 405, "MethodNotAllowed"},
		{"GET", byScan, 405, "MethodNotAllowed"},
		{"POST", agents, 405, "MethodNotAllowed"},
		{"PATCH", definitions + "/", 404, "NotFound"},
		{"PATCH", definitions + "/a/b", 404, "NotFound"},
		{"PATCH", definitions + "/../DeviceAuthenticatedScanDefinitions/" + switches, 404, "NotFound"},
		{"GET", "/DeviceAuthenticatedScanDefinitions", 404, "NotFound"},
		{"GET", "/api/deviceauthenticatedscandefinitions", 404, "NotFound"},
		{"GET", agents + "/no-such-scan", 404, "ResourceNotFound"},
	} {
		c.call(test.method, test.path, "").wantError(t, test.status, test.code)
	}
	if got := c.call("GET", agents+"/0335a792-18d2-424b-aeed-559567054570_"+machine, "").rows(t); got[0]["machineId"] != machine {
		t.Errorf("agent by its entity id: %v", got)
	}
	if writes := c.sim.Writes(); len(writes) != 0 {
		t.Errorf("writes %v", writes)
	}
}

// TestCalls checks that requests are kept byte for byte, in order, with the status of their responses.
func TestCalls(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	body := fixture(t, "add-network-authpriv.new-page.request.json")
	c.call("GET", definitions+"?$top=1", "")
	c.call("POST", definitions, body)
	c.call("POST", definitions, "{}")
	calls := c.sim.Calls()
	if len(calls) != 3 {
		t.Fatalf("%d calls; want 3", len(calls))
	}
	if got := calls[0]; got.Method != "GET" || got.Path != definitions || got.Query.Get("$top") != "1" || got.Header.Get("Authorization") != "Bearer any" {
		t.Errorf("first call %+v", got)
	}
	if got := calls[1]; got.Method != "POST" || string(got.Body) != body || got.Status != 200 {
		t.Errorf("second call %+v", got)
	}
	if calls[2].Status != 400 {
		t.Errorf("third call %+v", calls[2])
	}
	if diff := cmp.Diff(calls[1:2], c.sim.Writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	calls[1].Body[0], calls[1].Header["X"] = 'x', []string{"y"}
	if again := c.sim.Calls()[1]; string(again.Body) != body || again.Header.Get("X") != "" {
		t.Error("Calls shares its memory with the test")
	}
}

// TestCallsAreBounded checks that old calls are deleted, but never a write.
func TestCallsAreBounded(t *testing.T) {
	sim := defendertest.New(defendertest.Options{})
	serveDirectly(sim, "PATCH", definitions+"/"+switches, `{}`, "application/json")
	for range 20_000 {
		serveDirectly(sim, "GET", "/api/nowhere", "", "")
	}
	serveDirectly(sim, "GET", "/api/last", "", "")
	calls := sim.Calls()
	if n := len(calls); n < 10_000 || n > 20_000 || calls[n-1].Path != "/api/last" || calls[n-1].Status != 404 {
		t.Errorf("%d calls, the last %+v", n, calls[n-1])
	}
	if got := len(sim.Writes()); got != 1 {
		t.Errorf("%d writes; want 1", got)
	}
}

// TestContextOverTLS checks that links have the scheme that the caller used.
func TestContextOverTLS(t *testing.T) {
	sim := defendertest.New(defendertest.Options{})
	service := httptest.NewTLSServer(sim)
	t.Cleanup(service.Close)
	req, err := http.NewRequestWithContext(t.Context(), "GET", service.URL+definitions, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer any")
	resp, err := service.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := service.URL + "/api/$metadata#DeviceAuthenticatedScanDefinitions"; err != nil || !strings.Contains(string(body), want) {
		t.Errorf("%v %s has no %s", err, body, want)
	}
}

func TestBodyLimit(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	body := func(size int) string {
		return withFields(t, `{}`, map[string]any{"scanName": strings.Repeat("n", size-15)})
	}
	c.call("PATCH", definitions+"/"+switches, body(1<<20)).want(t, 200)
	c.call("PATCH", definitions+"/"+switches, body(1<<20+1)).wantError(t, http.StatusRequestEntityTooLarge, "InvalidRequestBody")
}

// TestConcurrentUse makes API calls, portal edits and reads by the test at the same time, for the race detector.
func TestConcurrentUse(t *testing.T) {
	const workers, rounds = 8, 10
	c := startSimulator(t, defendertest.Options{})
	add := fixture(t, "add-network-authpriv.new-page.request.json")
	before := len(c.sim.Scans())
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := range rounds {
				c.sim.Fail(defendertest.Fault{Path: "nowhere"})
				id := c.sim.AddScan(map[string]any{"scanName": fmt.Sprint(w, "/", i)})
				c.sim.Edit(id, map[string]any{"isActive": false})
				c.sim.FinishScan(id, "Success", finishedAt)
				for _, call := range [][3]string{{"GET", definitions, ""}, {"POST", definitions, add},
					{"PATCH", definitions + "/" + id, `{"isActive":true}`}, {"POST", bySession, `{"SessionIds":["x"]}`}} {
					if r, err := c.request(t.Context(), call[0], call[1], call[2]); err != nil || r.status != 200 {
						t.Errorf("%s %s: %d %s %v", call[0], call[1], r.status, r.body, err)
					}
				}
				if scan, ok := c.sim.Scan(id); !ok || scan["isActive"] != true {
					t.Errorf("%s: %v", id, scan)
				}
				c.sim.Remove(id)
				c.sim.Calls()
			}
		})
	}
	work.Wait()
	if got := len(c.sim.Scans()) - before; got != workers*rounds {
		t.Errorf("%d definitions added; want %d", got, workers*rounds)
	}
	if got := len(c.sim.Writes()); got != 2*workers*rounds {
		t.Errorf("%d writes; want %d", got, 2*workers*rounds)
	}
}
