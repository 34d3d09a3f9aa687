package defendertest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scanwarden/defender/defendertest"
)

const (
	definitions = "/api/DeviceAuthenticatedScanDefinitions"
	agents      = "/api/DeviceAuthenticatedScanAgents"
	batchDelete = definitions + "/BatchDelete"
	byScan      = definitions + "/GetScanHistoryByScanDefinitionId"
	bySession   = definitions + "/GetScanHistoryBySessionId"

	// Of the seed, and of Microsoft's examples.
	machine  = "eb663a27ae9d032f61bc268a79eedf14c4b90f77"
	switches = "d14cefe1-0301-488c-ad17-a86c428c3727"
	routers  = "4ad8d463-6b3a-4894-b42a-a2de9ea0a8ae"
	servers  = "289224fb-1686-472c-9751-5555960854ca"
)

// client calls a simulator over real HTTP.
type client struct {
	t     *testing.T
	sim   *defendertest.Server
	url   string
	token string
}

func startSimulator(t *testing.T, o defendertest.Options) *client {
	t.Helper()
	sim := defendertest.New(o)
	service := httptest.NewServer(sim)
	t.Cleanup(service.Close)
	t.Cleanup(sim.Close)
	return &client{t, sim, service.URL, "any"}
}

// reply is a response that was read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// call sends body, which is JSON text or "", and returns the reply. The test fails without one.
func (c *client) call(method, path, body string) reply {
	c.t.Helper()
	r, err := c.request(c.t.Context(), method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c *client) request(ctx context.Context, method, path, body string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, data}, err
}

func (r reply) object(t *testing.T) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(r.body, &o); err != nil {
		t.Fatalf("status %d with a body that is no object: %v\n%s", r.status, err, r.body)
	}
	return o
}

// rows returns the elements of the value array.
func (r reply) rows(t *testing.T) []map[string]any {
	t.Helper()
	list, ok := r.object(t)["value"].([]any)
	if !ok {
		t.Fatalf("no value array in %s", r.body)
	}
	rows := make([]map[string]any, len(list))
	for i := range list {
		rows[i] = list[i].(map[string]any)
	}
	return rows
}

// wantError checks that the reply is an error in the documented form, and returns its message.
func (r reply) wantError(t *testing.T, status int, code string) (message string) {
	t.Helper()
	refusal, _ := r.object(t)["error"].(map[string]any)
	target, _ := refusal["target"].(string)
	if r.status != status || refusal["code"] != code || len(target) != 36 {
		t.Errorf("got %d %s; want %d %s with a target", r.status, r.body, status, code)
	}
	message, _ = refusal["message"].(string)
	return message
}

func (r reply) want(t *testing.T, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("got %d %s; want %d", r.status, r.body, status)
	}
	return r
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// withFields returns the JSON object in text with fields changed; a nil value removes the field.
func withFields(t testing.TB, text string, fields map[string]any) string {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	for name, v := range fields {
		if o[name] = v; v == nil {
			delete(o, name)
		}
	}
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// serveDirectly calls the simulator without a network, so that it can send what no HTTP client would.
func serveDirectly(sim *defendertest.Server, method, path, body, contentType string) reply {
	req := httptest.NewRequest(method, "http://simulator/", strings.NewReader(body))
	req.URL.Path, req.URL.RawQuery, _ = strings.Cut(path, "?")
	req.Header.Set("Authorization", "Bearer any")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, req)
	return reply{w.Code, w.Header(), w.Body.Bytes()}
}
