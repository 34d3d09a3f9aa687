package defendertest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/defendertest"

	"github.com/google/go-cmp/cmp"
)

// finishedAt is the executionDateTime of the newer page's update example.
var finishedAt = time.Date(2025, 12, 18, 14, 33, 49, 413596000, time.UTC)

// TestDocumentedAnswers compares each operation's response with the page's example: every field, in its order.
func TestDocumentedAnswers(t *testing.T) {
	asListed := defendertest.Options{AuthInLists: true, PascalCaseAgents: true}
	for _, test := range []struct {
		name               string
		options            defendertest.Options
		arrange            func(*defendertest.Server)
		method, path, body string
		example            string
		since              string // what the older page's example does not have yet
	}{
		{name: "add", method: "POST", path: definitions,
			body: "add-network-authpriv.new-page.request.json", example: "add-network-authpriv.new-page.response.json"},
		{name: "add of the older page", method: "POST", path: definitions, since: "advancedActiveConfiguration",
			body: "add-windows.old-page.request.repaired.json", example: "add-windows.old-page.response.json"},
		{name: "update", method: "PATCH", path: definitions + "/" + switches,
			arrange: func(s *defendertest.Server) { s.FinishScan(switches, "Fail", finishedAt) },
			body:    "update-network.new-page.request.json", example: "update-network.new-page.response.json"},
		{name: "update of the older page", method: "PATCH", path: definitions + "/" + servers, since: "advancedActiveConfiguration",
			body: "update-windows.old-page.request.json", example: "update-windows.old-page.response.json"},
		{name: "entity of $metadata", method: "PATCH", path: definitions + "/" + switches,
			arrange: func(s *defendertest.Server) {
				s.Edit(switches, map[string]any{"isTroubleshootMode": false})
				s.FinishScan(switches, "Success", finishedAt)
			},
			body: "update-pause-only.request.derived.json", example: "definition.response.derived-from-metadata.json"},
		{name: "list", method: "GET", path: definitions, options: asListed,
			arrange: func(s *defendertest.Server) { s.Remove(servers); s.FinishScan(routers, "Fail", finishedAt) },
			example: "list-definitions-network-only.new-page.response.repaired.json"},
		{name: "list of the older page", method: "GET", path: definitions, options: asListed,
			example: "list-definitions-windows-and-network.old-page.response.repaired.json"},
		{name: "list agents", method: "GET", path: agents, options: asListed, example: "list-agents.response.repaired.json"},
		{name: "agent by id", method: "GET", path: agents + "/" + machine, options: asListed,
			example: "get-agent-by-id.response.repaired.json"},
		{name: "agent by id of $metadata", method: "GET", path: agents + "/" + machine,
			options: defendertest.Options{BareAgent: true}, example: "get-agent-by-id.response.derived-from-metadata.json"},
		{name: "history by definition", method: "POST", path: byScan,
			body: "history-by-definition.request.json", example: "history-by-definition.new-page.response.repaired.json"},
		{name: "history by session", method: "POST", path: bySession,
			body: "history-by-session.request.json", example: "history-by-session.new-page.response.repaired.json"},
		{name: "history of $metadata", method: "POST", path: bySession, options: defendertest.Options{MetadataHistory: true},
			body: "history-by-session.request.json", example: "history.response.derived-from-metadata.json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := startSimulator(t, test.options)
			if test.arrange != nil {
				test.arrange(c.sim)
			}
			body := ""
			if test.body != "" {
				body = fixture(t, test.body)
			}
			got := c.call(test.method, test.path, body).want(t, http.StatusOK)
			wholeWant, rowsWant := memberNames(t, []byte(fixture(t, test.example)))
			if test.since != "" {
				wholeWant = append(wholeWant, test.since)
			}
			whole, rows := memberNames(t, got.body)
			if diff := cmp.Diff(wholeWant, whole); diff != "" {
				t.Errorf("fields and their order (-example +simulator):\n%s", diff)
			}
			for i, want := range rowsWant {
				same := func(row []string) bool { return slices.Equal(want, row) }
				if !slices.ContainsFunc(rows, same) {
					t.Errorf("no row has the fields and order of the example's row %d:\n%q\nin\n%q", i, want, rows)
				}
			}
			if got := got.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
}

// memberNames returns the paths of a JSON object's members in their order: those of the whole, and those of each row of
// its value array.
func memberNames(t *testing.T, data []byte) (whole []string, rows [][]string) {
	t.Helper()
	for _, path := range memberPaths(t, data, "") {
		if !strings.HasPrefix(path, "value[]") {
			whole = append(whole, path)
		}
	}
	var list struct{ Value []json.RawMessage }
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	for _, row := range list.Value {
		rows = append(rows, memberPaths(t, row, ""))
	}
	return whole, rows
}

// memberPaths returns the paths in a JSON value; of an array, those in its first element.
func memberPaths(t *testing.T, data json.RawMessage, prefix string) (found []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	open, err := d.Token()
	if err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	for (open == json.Delim('{') || open == json.Delim('[')) && d.More() {
		name := "[]"
		if open == json.Delim('{') {
			token, _ := d.Token()
			name = prefix + token.(string)
			found = append(found, name)
			name += "."
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if open == json.Delim('[') {
			return append(found, memberPaths(t, value, strings.TrimSuffix(prefix, ".")+"[].")...)
		}
		found = append(found, memberPaths(t, value, name)...)
	}
	return found
}

// TestDocumentedErrors causes each error and compares it with its fixture.
func TestDocumentedErrors(t *testing.T) {
	add := fixture(t, "add-network-authpriv.request.derived.json")
	fault := func(f defendertest.Fault) func(*client) reply {
		return func(c *client) reply { c.sim.Fail(f); return c.call("GET", definitions, "") }
	}
	ids := `{"ScanDefinitionIds":["x"` + strings.Repeat(`,"x"`, 599) + `]}`
	for _, test := range []struct {
		example string
		options defendertest.Options
		provoke func(*client) reply
	}{
		{example: "400-InvalidInput.derived", provoke: func(c *client) reply {
			return c.call("POST", definitions, withFields(t, add, map[string]any{"target": "10.0.0.999"}))
		}},
		{example: "400-InvalidRequestBody.documented", provoke: func(c *client) reply { return c.call("POST", definitions, "{") }},
		{example: "400-MissingRequiredParameter.derived", provoke: func(c *client) reply {
			return c.call("POST", definitions, withFields(t, add, map[string]any{"scanName": nil}))
		}},
		{example: "400-MaximumBatchSizeExceeded.derived", provoke: func(c *client) reply { return c.call("POST", batchDelete, ids) }},
		{example: "400-ODataError.derived", provoke: func(c *client) reply {
			return c.call("POST", byScan+"?$top=10001", fixture(t, "history-by-definition.request.json"))
		}},
		{example: "401-Unauthorized.derived", provoke: func(c *client) reply { c.token = ""; return c.call("GET", definitions, "") }},
		{example: "401-no-tvm-license.derived", provoke: fault(defendertest.Fault{
			Status: 401, Message: "Unauthorized request - reason of failure: No Tvm license"})},
		{example: "403-DisabledFeature.derived", provoke: fault(defendertest.Fault{
			Status: 403, Code: "DisabledFeature", Message: "Tenant feature is not enabled."})},
		{example: "403-missing-roles.derived", options: defendertest.Options{Roles: []string{"Machine.Read.All"}},
			provoke: func(c *client) reply { return c.call("POST", definitions, add) }},
		{example: "404-definition.derived", provoke: func(c *client) reply {
			c.sim.Remove(switches)
			return c.call("PATCH", definitions+"/"+switches, `{"isActive":false}`)
		}},
		{example: "404-ResourceNotFound.documented", provoke: fault(defendertest.Fault{
			Status: 404, Message: "Machine 123123123 was not found"})},
		{example: "429-TooManyRequests.derived", options: defendertest.Options{PerMinute: 1}, provoke: func(c *client) reply {
			c.call("GET", definitions, "")
			return c.call("GET", definitions, "")
		}},
		{example: "500-InternalServerError.derived", provoke: fault(defendertest.Fault{Status: 500})},
	} {
		t.Run(test.example, func(t *testing.T) {
			c := startSimulator(t, test.options)
			got := test.provoke(c)
			var want struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal([]byte(fixture(t, "error-"+test.example+".json")), &want); err != nil {
				t.Fatal(err)
			}
			status, err := strconv.Atoi(test.example[:3])
			if err != nil {
				t.Fatal(err)
			}
			message := got.wantError(t, status, want.Error.Code)
			stem, _, _ := strings.Cut(message, ":") // after a colon come the simulator's own words
			if message != want.Error.Message && stem != strings.TrimSuffix(want.Error.Message, ".") {
				t.Errorf("message %q; want %q", message, want.Error.Message)
			}
			if diff := cmp.Diff(memberPaths(t, []byte(fixture(t, "error-"+test.example+".json")), ""), memberPaths(t, got.body, "")); diff != "" {
				t.Errorf("fields and their order (-example +simulator):\n%s", diff)
			}
			if len(c.sim.Writes()) != 0 {
				t.Errorf("a refusal is among the writes")
			}
		})
	}
}

// TestContexts checks that OData contexts name the host of the request, as in the examples.
func TestContexts(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	for _, test := range []struct{ method, path, body, context string }{
		{"GET", definitions, "", "/api/$metadata#DeviceAuthenticatedScanDefinitions"},
		{"POST", definitions, "add-network-authpriv.new-page.request.json", "/api/$metadata#DeviceAuthenticatedScanDefinitions/$entity"},
		{"GET", agents, "", "/api/$metadata#DeviceAuthenticatedScanAgents"},
		{"GET", agents + "/" + machine, "", "/api/$metadata#DeviceAuthenticatedScanAgents/$entity"},
		{"POST", byScan, "history-by-definition.request.json", byScan},
		{"POST", bySession, "history-by-session.request.json", bySession},
	} {
		body := ""
		if test.body != "" {
			body = fixture(t, test.body)
		}
		if got := c.call(test.method, test.path, body).object(t)["@odata.context"]; got != c.url+test.context {
			t.Errorf("%s %s: @odata.context is %v; want %s", test.method, test.path, got, c.url+test.context)
		}
	}
}

// TestDocumentedRequestsArePassable checks that each request of the fixtures is accepted, or refused where a page
// contradicts itself or the simulator has a reason.
func TestDocumentedRequestsArePassable(t *testing.T) {
	for name, want := range map[string]int{
		"add-network-authnopriv.request.derived.json":                    200,
		"add-network-authpriv.new-page.request.json":                     200,
		"add-network-authpriv.request.derived.json":                      200,
		"add-network-communitystring.request.derived.json":               200,
		"add-network-keyvault.request.derived-keyVaultUri-spelling.json": 200,
		"add-network-keyvault.request.derived-keyVaultUrl-spelling.json": 400, // unless Options say so
		"add-network-noauthnopriv.request.derived.json":                  200,
		"add-windows.2022-page.request.json":                             200,
		"add-windows.old-page.request.repaired.json":                     200,
		"update-network.2022-page.request.contradictory.json":            400, // isActive in quotes, Kerberos over SNMP
		"update-network.new-page.request.json":                           200,
		"update-pause-only.request.derived.json":                         200,
	} {
		c := startSimulator(t, defendertest.Options{})
		if strings.HasPrefix(name, "add") {
			c.call("POST", definitions, fixture(t, name)).want(t, want)
		} else {
			c.call("PATCH", definitions+"/"+switches, fixture(t, name)).want(t, want)
		}
	}
	startSimulator(t, defendertest.Options{}).call("POST", batchDelete, fixture(t, "batch-delete.request.repaired.json")).
		wantError(t, 404, "ResourceNotFound") // no definition has the page's ids

	c := startSimulator(t, defendertest.Options{})
	for _, id := range []string{"td32f17af-5cc2-4e4e-964a-4c4ef7d216e2", "ab32g20af-5dd2-4a5e-954a-4c4ef7d216e2"} {
		c.sim.AddScan(map[string]any{"id": id})
	}
	before := len(c.sim.Scans())
	if r := c.call("POST", batchDelete, fixture(t, "batch-delete.request.repaired.json")).want(t, 200); len(r.body) != 0 {
		t.Errorf("delete answered %s", r.body)
	}
	if got := len(c.sim.Scans()); got != before-2 {
		t.Errorf("%d definitions left of %d", got, before)
	}
}
