package defendertest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/defendertest"
)

// startWithControl serves the API and its control at one address, as the simulator command does.
func startWithControl(t *testing.T) (*client, func(method, path, body string) reply) {
	t.Helper()
	sim := defendertest.New(defendertest.Options{})
	mux := http.NewServeMux()
	mux.Handle("/", sim)
	mux.Handle("/simulator/", sim.Control())
	service := httptest.NewServer(mux)
	t.Cleanup(service.Close)
	t.Cleanup(sim.Close)
	c := &client{t, sim, service.URL, "any"}
	return c, func(method, path, body string) reply { t.Helper(); return c.call(method, "/simulator/"+path, body) }
}

func TestControlFaults(t *testing.T) {
	c, control := startWithControl(t)
	control("POST", "faults", `{"method":"GET","path":"Agents","times":2,"status":503,"code":"Busy","message":"Later.","retryAfter":"7","header":{"X-A":"b"}}`).want(t, 204)
	got := c.call("GET", agents, "")
	if message := got.wantError(t, 503, "Busy"); message != "Later." || got.header.Get("Retry-After") != "7" || got.header.Get("X-A") != "b" {
		t.Errorf("%q %v", message, got.header)
	}
	control("DELETE", "faults", "").want(t, 204)
	c.call("GET", agents, "").want(t, 200)

	control("POST", "faults", `{"body":"<html>","contentType":"text/html"}`).want(t, 204)
	if got := c.call("GET", agents, ""); string(got.body) != "<html>" || got.header.Get("Content-Type") != "text/html" {
		t.Errorf("%v %s", got.header, got.body)
	}
	control("POST", "faults", `{"echo":true}`).want(t, 204)
	if got := c.call("POST", definitions, `"canary"`).wantError(t, 400, "BadRequest"); !strings.Contains(got, "canary") {
		t.Errorf("message %q", got)
	}
	control("POST", "faults", `{"delay":"30ms","slowBody":false}`).want(t, 204)
	began := time.Now()
	c.call("GET", agents, "").want(t, 200)
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	control("POST", "faults", `{"apply":true,"drop":true}`).want(t, 204)
	if r, err := c.request(t.Context(), "PATCH", definitions+"/"+switches, `{"isActive":false}`); err == nil {
		t.Errorf("got an answer: %d", r.status)
	}
	if len(c.sim.Writes()) != 1 {
		t.Errorf("writes %v", c.sim.Writes())
	}
	for _, body := range []string{"", "[]", `{"statsu":500}`, `{"delay":5}`, `{"delay":"soon"}`, `{"status":99}`, `{"status":1000}`} {
		control("POST", "faults", body).want(t, 400)
	}
}

func TestControlShowsCalls(t *testing.T) {
	c, control := startWithControl(t)
	c.token = "canary-token"
	body := fixture(t, "add-network-authpriv.new-page.request.json")
	c.call("POST", definitions+"?a=b", body).want(t, 200)
	c.call("POST", definitions, "not json").want(t, 400)
	var calls, writes []struct {
		Method, Path string
		Query        map[string][]string
		Header       http.Header
		Body         json.RawMessage
		Status       int
	}
	answer := control("GET", "calls", "").want(t, 200)
	if err := json.Unmarshal(answer.body, &calls); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(control("GET", "writes", "").want(t, 200).body, &writes); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 2 || len(writes) != 1 || calls[0].Status != 200 || calls[0].Query["a"][0] != "b" || string(calls[1].Body) != `"not json"` {
		t.Fatalf("calls %s", answer.body)
	}
	var got, want bytes.Buffer
	_, _ = json.Compact(&got, writes[0].Body), json.Compact(&want, []byte(body))
	if got.String() != want.String() || writes[0].Method != "POST" || writes[0].Path != definitions {
		t.Errorf("write %s %s %s", writes[0].Method, writes[0].Path, &got)
	}
	if strings.Contains(string(answer.body), "canary-token") {
		t.Error("the control shows a bearer token")
	}
	if got := c.sim.Calls()[0].Header.Get("Authorization"); got != "Bearer canary-token" {
		t.Errorf("hiding it from the control hid it from the test: %q", got)
	}
}

func TestControlScans(t *testing.T) {
	c, control := startWithControl(t)
	control("POST", "scans/"+switches, `{"isActive":false,"scanName":"Renamed"}`).want(t, 204)
	if scan, _ := c.sim.Scan(switches); scan["isActive"] != false || scan["scanName"] != "Renamed" {
		t.Errorf("stored %v", scan)
	}
	control("DELETE", "scans/"+routers, "").want(t, 204)
	var scans []map[string]any
	if err := json.Unmarshal(control("GET", "scans", "").want(t, 200).body, &scans); err != nil {
		t.Fatal(err)
	}
	if len(scans) != 4 || scans[0]["id"] != switches || scans[0]["scanAuthenticationParams"] == nil {
		t.Errorf("scans %v", scans)
	}
	control("POST", "scans/nobody", `{}`).want(t, 404)
	control("DELETE", "scans/nobody", "").want(t, 404)
	control("POST", "scans/"+switches, `[]`).want(t, 400)
	control("POST", "scans/"+switches, `{"scanName":"`+strings.Repeat("n", 1<<20)+`"}`).want(t, 400)
	control("GET", "scans/"+switches, "").want(t, 405)
	if calls := c.sim.Calls(); len(calls) != 0 {
		t.Errorf("the control counts as %d calls of the API", len(calls))
	}
}

// TestControlRefusesOtherOrigins checks that a web page in a browser on the same machine cannot use the control.
func TestControlRefusesOtherOrigins(t *testing.T) {
	c, _ := startWithControl(t)
	req, err := http.NewRequestWithContext(t.Context(), "POST", c.url+"/simulator/scans/"+switches, strings.NewReader(`{"isActive":false}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://evil.example")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if scan, _ := c.sim.Scan(switches); resp.StatusCode != 403 || scan["isActive"] != true {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
