package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/defendertest"
)

// forEachTransport runs a test over stdio and HTTP, in both protocol eras.
func forEachTransport(t *testing.T, test func(t *testing.T, connect func(*testing.T, *stack) (mcp.Transport, func() error), era string)) {
	for name, connect := range transports {
		for era := range protocolVersions {
			t.Run(name+"/"+era, func(t *testing.T) { test(t, connect, era) })
		}
	}
}

// TestForeignClient has the official Go SDK's client add, update and delete a scan, each confirmed by its
// person, and compares the bytes that arrive with Microsoft's documented examples.
func TestForeignClient(t *testing.T) {
	t.Parallel()
	forEachTransport(t, func(t *testing.T, connect func(*testing.T, *stack) (mcp.Transport, func() error), era string) {
		s := newStack(t)
		transport, _ := connect(t, s)
		c := connectClient(t, transport, era, typeCode)
		listsTools(t, c)

		added := callTool(t, c, "add_scan", documentedScan(t, "add.json"))
		if added.Status != "applied" || len(added.Scans) != 1 || added.DecidedBy == "" {
			t.Fatalf("add_scan: %+v", added)
		}
		id, _ := added.Scans[0]["id"].(string)

		change := documentedScan(t, "update.json")
		change["id"] = id
		if updated := callTool(t, c, "update_scan", change); updated.Status != "applied" {
			t.Fatalf("update_scan: %+v", updated)
		}
		if deleted := callTool(t, c, "delete_scans", map[string]any{"scanDefinitionIds": []string{id}}); deleted.Status != "applied" {
			t.Fatalf("delete_scans: %+v", deleted)
		}

		const set = "/api/DeviceAuthenticatedScanDefinitions"
		want := []arrival{
			{"POST", set, documentedRequest(t, "add.json")},
			{"PATCH", set + "/" + id, documentedRequest(t, "update.json")},
			{"POST", set + "/BatchDelete", `{"ScanDefinitionIds":["` + id + `"]}`},
		}
		if diff := cmp.Diff(want, writesOf(s)); diff != "" {
			t.Errorf("what arrived differs from what is documented (-want +got):\n%s", diff)
		}
		if left, there := s.tenant.Scan(id); there {
			t.Errorf("the scan is still there: %v", left)
		}
	})
}

func listsTools(t *testing.T, c *mcp.ClientSession) {
	t.Helper()
	list, err := c.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	want := []string{"add_scan", "delete_scans", "get_change", "list_scanners", "list_scans", "scan_history", "update_scan", "withdraw_change"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
}

// arrival is one write as the tenant received it.
type arrival struct{ Method, Path, Body string }

func writesOf(s *stack) []arrival {
	var all []arrival
	for _, w := range s.tenant.Writes() {
		all = append(all, arrival{w.Method, w.Path, string(w.Body)})
	}
	return all
}

// documentedScan is an example of Microsoft's as tool arguments: its credential goes by the name of ours, since
// no tool takes a secret.
func documentedScan(t *testing.T, name string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "microsoft", name))
	if err != nil {
		t.Fatal(err)
	}
	var args map[string]any
	if err := json.Unmarshal(data, &args); err != nil {
		t.Fatal(err)
	}
	delete(args, "scanAuthenticationParams")
	args["credential"] = "core-snmp"
	return args
}

// documentedRequest is the same example as it must arrive, compact, with the named credential's values in the places of
// the page's own. It leaves communityString out, which the page sends along although its table asks for it
// with the type CommunityString only.
func documentedRequest(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "microsoft", name))
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if err := json.Compact(&body, data); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(
		`"authProtocol":"authProtocol"`, `"authProtocol":"SHA1"`,
		`"authPassword":"authPassword"`, `"authPassword":"`+authPassword+`"`,
		`"privProtocol":"privProtocol"`, `"privProtocol":"AES"`,
		`"privPassword":"privPassword"`, `"privPassword":"`+privPassword+`"`,
		`,"communityString":"community-string"`, ``,
	).Replace(body.String())
}

// TestNoWriteWithoutAPerson: whatever a client sends back but the code that its prompt showed, nothing is
// written. (What a client could forge is tested in tools/mcpserver, where requestState is made.)
func TestNoWriteWithoutAPerson(t *testing.T) {
	t.Parallel()
	const atOnce = "withdrawn, or denied" // by how long the answer took on this machine
	people := []struct {
		name   string
		person promptHandler
		status string
	}{
		{"decline", answerWith("decline", nil), atOnce},
		{"cancel", answerWith("cancel", nil), "withdrawn"},
		{"accept with nothing", answerWith("accept", nil), atOnce},
		{"accept with an empty form", answerWith("accept", map[string]any{}), atOnce},
		{"wrong code three times", answerWith("accept", map[string]any{"code": "WRONG"}), atOnce},
		{"the whole message", func(m string) *mcp.ElicitResult {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"code": m}}
		}, atOnce},
		{"a client that cannot ask", nil, "refused, or awaiting_confirmation"},
	}
	forEachTransport(t, func(t *testing.T, connect func(*testing.T, *stack) (mcp.Transport, func() error), era string) {
		// One client has all the people, one after the other. Whether it can ask is settled when it connects.
		var person atomic.Pointer[promptHandler]
		s := newStack(t)
		transport, _ := connect(t, s)
		asks := connectClient(t, transport, era, func(message string) *mcp.ElicitResult { return (*person.Load())(message) })
		for i, tt := range people {
			t.Run(tt.name, func(t *testing.T) {
				s, c := s, asks
				if tt.person == nil {
					s = newStack(t)
					transport, _ := connect(t, s)
					c = connectClient(t, transport, era, nil)
				}
				person.Store(&people[i].person)
				tryEachWrite(t, c, tt.status)
				if writes := writesOf(s); len(writes) != 0 {
					t.Errorf("written without a person: %v", writes)
				}
			})
		}
	})
}

// tryEachWrite calls each tool that writes, and checks the status of its result.
func tryEachWrite(t *testing.T, c *mcp.ClientSession, status string) {
	t.Helper()
	for tool, args := range map[string]map[string]any{
		"add_scan":     documentedScan(t, "add.json"),
		"update_scan":  {"id": "Core switches", "isActive": false},
		"delete_scans": {"scanDefinitionIds": []string{"Core switches"}},
	} {
		// A client may refuse to send an answer that its own check of the form finds wrong.
		if got, err := tryCallTool(t.Context(), c, tool, args); err == nil && !strings.Contains(status, got.Status) {
			t.Errorf("%s: status %q, want %q (%s)", tool, got.Status, status, got.Reason)
		}
	}
}

func answerWith(action string, content map[string]any) promptHandler {
	return func(string) *mcp.ElicitResult { return &mcp.ElicitResult{Action: action, Content: content} }
}

// TestWhatYouSawIsWhatRuns: if the scan changes elsewhere while an approver looks at the plan, the change is stale and
// nothing is written.
func TestWhatYouSawIsWhatRuns(t *testing.T) {
	t.Parallel()
	const core = "d14cefe1-0301-488c-ad17-a86c428c3727"
	forEachTransport(t, func(t *testing.T, connect func(*testing.T, *stack) (mcp.Transport, func() error), era string) {
		s := newStack(t)
		transport, _ := connect(t, s)
		hours := 5
		c := connectClient(t, transport, era, func(message string) *mcp.ElicitResult {
			hours++
			s.tenant.Edit(core, map[string]any{"intervalInHours": hours})
			return typeCode(message)
		})
		for tool, args := range map[string]map[string]any{
			"update_scan":  {"id": core, "isActive": false},
			"delete_scans": {"scanDefinitionIds": []string{core}},
		} {
			if got := callTool(t, c, tool, args); got.Status != "stale" {
				t.Errorf("%s: status %q, want stale (%s)", tool, got.Status, got.Reason)
			}
		}
		if writes := writesOf(s); len(writes) != 0 {
			t.Errorf("sent although the scan had moved: %v", writes)
		}
	})
}

// TestOnceAndNothingLost kills the server at the worst moment, after Defender took an add and before it
// answered. The next start finds out by reading; it never sends again.
func TestOnceAndNothingLost(t *testing.T) {
	t.Parallel()
	faults := map[string]defendertest.Fault{
		"killed while it waits for the answer": {Method: "POST", Path: "DeviceAuthenticatedScanDefinitions", Apply: true, Hang: true},
		"killed after the connection dropped":  {Method: "POST", Path: "DeviceAuthenticatedScanDefinitions", Apply: true, Drop: true},
	}
	for name, fault := range faults {
		for way, connect := range transports {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel() // it mostly waits for a dead process's lease to run out
				s := newStack(t)
				s.tenant.Fail(fault)
				transport, kill := connect(t, s)
				c := connectClient(t, transport, "modern", typeCode)
				called := make(chan struct{})
				go func() {
					defer close(called)
					_, _ = tryCallTool(t.Context(), c, "add_scan", documentedScan(t, "add.json"))
				}()
				waitFor(t, "the add to arrive", func() bool { return len(s.tenant.Writes()) == 1 })
				if err := kill(); err != nil {
					t.Fatal(err)
				}
				s.tenant.Release()
				<-called

				again := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken)
				waitFor(t, "the change to be settled", func() bool { return s.changes()[0].Status == "applied" })
				again.end(t)
				if n := countScans(s.tenant, "Test Network scan"); n != 1 || len(s.tenant.Writes()) != 1 {
					t.Errorf("%d scans after %d writes, want one of each", n, len(s.tenant.Writes()))
				}
				s.output("audit", "verify")
			})
		}
	}
}

func countScans(tenant *defendertest.Server, name string) (n int) {
	for _, scan := range tenant.Scans() {
		if scan["scanName"] == name {
			n++
		}
	}
	return n
}

// waitFor polls until the condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(waitTimeout); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// TestCanary: a named credential's secrets reach Defender and nothing else: no result, log, ledger, audit log
// or listing holds them.
func TestCanary(t *testing.T) {
	t.Parallel()
	forEachTransport(t, func(t *testing.T, connect func(*testing.T, *stack) (mcp.Transport, func() error), era string) {
		s := newStack(t)
		transport, kill := connect(t, s)
		prompts := &sharedBuffer{}
		c := connectClient(t, transport, era, func(message string) *mcp.ElicitResult {
			_, _ = io.WriteString(prompts, message)
			return typeCode(message)
		})
		places := map[string]string{}
		// Also when Defender repeats what it was sent, or returns it in a list.
		s.tenant.Fail(defendertest.Fault{Method: "POST", Path: "DeviceAuthenticatedScanDefinitions", Echo: true})
		for _, name := range []string{"refused add", "add"} {
			r, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: "add_scan", Arguments: documentedScan(t, "add.json")})
			places[name] = transcript(t, r, err)
		}
		r, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_scans", Arguments: map[string]any{}})
		places["list"] = transcript(t, r, err)
		if got := writesOf(s); len(got) != 1 || !strings.Contains(got[0].Body, authPassword) || !strings.Contains(got[0].Body, privPassword) {
			t.Fatalf("the secrets did not reach Defender: %v", got)
		}
		places["prompts"] = prompts.String()
		// While the server still runs the write-ahead log is there too.
		readAll(t, s.state, places)
		places["changes"] = s.output("changes", "--json")
		places["change"] = s.output("changes", s.changes()[0].ID)
		places["audit"] = s.output("audit", "export")
		places["schema"] = s.output("schema")
		if err := kill(); err != nil {
			t.Fatal(err)
		}
		places["log"] = s.logs.String()
		checkNoSecret(t, places, authPassword, privPassword)
	})
}

// checkNoSecret looks for secrets where none may be, in each form that they could have.
func checkNoSecret(t *testing.T, places map[string]string, secrets ...string) {
	t.Helper()
	for place, content := range places {
		for _, secret := range secrets {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if strings.Contains(content, form) {
					t.Errorf("%s holds the secret %s", place, secret)
				}
			}
		}
	}
}

func transcript(t *testing.T, r *mcp.CallToolResult, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readAll adds every file below dir.
func readAll(t *testing.T, dir string, places map[string]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		places[filepath.Base(path)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if places["ledger.db"] == "" || places["ledger.db-wal"] == "" {
		t.Fatalf("the ledger's files are not where this test looks: %v", slices.Collect(func(yield func(string) bool) {
			for name := range places {
				yield(name)
			}
		}))
	}
}

// TestServe: the pages beside /mcp, authentication, and the end of the process.
func TestServe(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	served := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken)
	base := strings.TrimSuffix(served.url, "/mcp")
	waitFor(t, "readiness", func() bool { status, _ := httpGet(t, base+"/readyz"); return status == http.StatusOK })
	if status, _ := httpGet(t, base+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	for path, want := range map[string]int{ // probes and metrics take any Host, by decision; nothing else does
		"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/metrics": http.StatusOK,
		"/mcp": http.StatusMisdirectedRequest,
	} {
		if got := getAs(t, base+path, "attacker.example"); got != want {
			t.Errorf("GET %s with a foreign Host: %d, want %d", path, got, want)
		}
	}
	if status, page := httpGet(t, base+"/metrics"); status != http.StatusOK || !strings.Contains(page, "go_goroutines") {
		t.Errorf("/metrics: %d %s", status, page)
	}
	answer, err := http.Post(served.url, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("/mcp without a token: %d, want 401", answer.StatusCode)
	}
	served.endsWell(t)
}

// getAs returns the status of a GET with this Host header and the bearer token.
func getAs(t *testing.T, url, host string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+bearerToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func httpGet(t *testing.T, url string) (status int, body string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}
