package mcpserver_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"scanwarden/confirm"
)

const appType = "text/html;profile=mcp-app"

// viewCapabilities are what a host declares that draws views of this type.
func viewCapabilities(mimeType string) map[string]any {
	return map[string]any{"extensions": map[string]any{"io.modelcontextprotocol/ui": map[string]any{"mimeTypes": []string{mimeType}}}}
}

// withView is a server whose changes wait on a page behind a sign-in.
func withView() options {
	return options{
		fallback: []confirm.Channel{confirm.WebPage}, pageURL: func(change string) string { return pageOrigin + change },
	}
}

// request sends one 2026-07-28 request with these capabilities.
func (s *stack) request(t testing.TB, method, name string, capabilities, params map[string]any) response {
	t.Helper()
	return s.requestAs(t, adaToken, method, name, capabilities, params)
}

func (s *stack) requestAs(t testing.TB, token, method, name string, capabilities, params map[string]any) response {
	t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	params["_meta"] = map[string]any{
		"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": capabilities,
		"io.modelcontextprotocol/clientInfo": map[string]any{"name": "host", "version": "1"},
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {method}}
	if name != "" {
		header.Set("Mcp-Name", name)
	}
	return s.postMessage(t, token, body, header)
}

// callView calls a tool as a host that draws views.
func (s *stack) callView(t testing.TB, token, tool string, args map[string]any) response {
	t.Helper()
	return s.requestAs(t, token, "tools/call", tool, viewCapabilities(appType), map[string]any{"name": tool, "arguments": args})
}

// TestOtherClientsReceiveNoByteOfTheView compares every list and handshake of a server with a view with one that has none.
func TestOtherClientsReceiveNoByteOfTheView(t *testing.T) {
	t.Parallel()
	with, without := newStackWith(t, withView()), newStackWith(t, options{})
	for name, capabilities := range map[string]map[string]any{
		"none": {}, "forms": {"elicitation": map[string]any{}}, "another type": viewCapabilities("text/html"),
	} {
		for _, method := range []string{"tools/list", "server/discover"} {
			got, want := with.request(t, method, "", capabilities, nil), without.request(t, method, "", capabilities, nil)
			if got.raw != want.raw || !strings.Contains(got.raw, `"tools"`) {
				t.Errorf("%s for a client with %s: %d bytes, want %d:\n%s\n%s", method, name, len(got.raw), len(want.raw), got.raw, want.raw)
			}
		}
		for _, version := range []string{"2025-06-18", "2025-11-25"} {
			got, want := with.initialize(t, version, capabilities), without.initialize(t, version, capabilities)
			if got.raw != want.raw || !strings.Contains(got.raw, `"serverInfo"`) {
				t.Errorf("initialize %s for a client with %s:\n%s\n%s", version, name, got.raw, want.raw)
			}
			id := http.Header{"Mcp-Session-Id": {got.header.Get("Mcp-Session-Id")}, "Mcp-Protocol-Version": {version}}
			id2 := http.Header{"Mcp-Session-Id": {want.header.Get("Mcp-Session-Id")}, "Mcp-Protocol-Version": {version}}
			list := []byte(`{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`)
			if a, b := with.postMessage(t, "", list, id).raw, without.postMessage(t, "", list, id2).raw; a != b || !strings.Contains(a, "delete_scans") {
				t.Errorf("tools/list in a session of %s for a client with %s:\n%s\n%s", version, name, a, b)
			}
		}
	}
	if got := with.request(t, "tools/call", "open_page", map[string]any{}, map[string]any{"name": "open_page", "arguments": map[string]any{}}); got.Error == nil {
		t.Errorf("a client without views can call the view's tool: %s", got.raw)
	}
}

// initialize sends an initialize message with these capabilities.
func (s *stack) initialize(t testing.TB, version string, capabilities map[string]any) response {
	t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": map[string]any{
		"protocolVersion": version, "capabilities": capabilities, "clientInfo": map[string]any{"name": "host", "version": "1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s.postMessage(t, "", body, http.Header{})
}

// TestAHostIsOfferedTheView: in both eras, with the tools that the view calls visible to it alone.
func TestAHostIsOfferedTheView(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, withView())
	host := viewCapabilities(appType)
	session := s.initialize(t, "2025-11-25", host)
	sessionID := http.Header{"Mcp-Session-Id": {session.header.Get("Mcp-Session-Id")}, "Mcp-Protocol-Version": {"2025-11-25"}}
	for name, capabilities := range map[string]string{"initialize": session.raw, "discover": s.request(t, "server/discover", "", host, nil).raw} {
		if !strings.Contains(capabilities, `"io.modelcontextprotocol/ui":{}`) || !strings.Contains(capabilities, `"resources"`) {
			t.Errorf("%s does not offer the view: %s", name, capabilities)
		}
	}
	for name, list := range map[string]string{
		"a session": s.postMessage(t, "", []byte(`{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`), sessionID).raw,
		"a request": s.request(t, "tools/list", "", host, nil).raw,
	} {
		if n := strings.Count(list, `"resourceUri":"ui://scanwarden/change.html"`); n != 3 {
			t.Errorf("in %s, %d tools have the view, want the 3 that propose", name, n)
		}
		if n := strings.Count(list, `"visibility":["app"]`); n != 2 {
			t.Errorf("in %s, %d tools are for the view alone, want 2: %s", name, n, list)
		}
	}
	page := s.request(t, "resources/read", "ui://scanwarden/change.html", host, map[string]any{"uri": "ui://scanwarden/change.html"}).raw
	for _, want := range []string{`"mimeType":"text/html;profile=mcp-app"`, `"prefersBorder":true`, "ui/initialize"} {
		if !strings.Contains(page, want) {
			t.Errorf("the resource lacks %s:\n%s", want, page)
		}
	}
}

// TestTheViewCannotDecide: its tools return the plan and the plain address to the requester, never the code, and nothing to
// anybody else. The call that proposes ends at once, because the button is drawn when it has ended.
func TestTheViewCannotDecide(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, withView())
	proposed := s.callView(t, "", "add_scan", s.newScan(`<img src=x onerror=alert(1)>`)).wantStatus(t, "awaiting_confirmation")
	id := map[string]any{"change_id": proposed.ChangeID}
	c, err := s.Gate.Change(t.Context(), proposed.ChangeID)
	if err != nil {
		t.Fatal(err)
	}
	plan, opened := s.callView(t, "", "change_plan", id), s.callView(t, "", "open_page", id)
	if !strings.Contains(plan.raw, "10.20.30.1") || !strings.Contains(opened.raw, pageOrigin+c.ID) {
		t.Errorf("the view gets %s\n%s", plan.raw, opened.raw)
	}
	for _, got := range []response{plan, opened} {
		if strings.Contains(got.raw, c.Code) {
			t.Errorf("the view gets the code: %s", got.raw)
		}
	}
	for _, tool := range []string{"change_plan", "open_page"} {
		got := s.callView(t, bobToken, tool, id).wantStatus(t, "refused")
		if strings.Contains(got.Reason+got.Next, "10.20.30.1") || !strings.Contains(got.Reason, "names no change of this caller") {
			t.Errorf("another caller gets %+v from %s", got, tool)
		}
	}
	if now, _ := s.Gate.Change(t.Context(), c.ID); now.State != confirm.Pending || len(now.Decisions) != 0 {
		t.Errorf("after the calls the change is %s with %v", now.State, now.Decisions)
	}
	if _, err := s.Gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: "token:ada"}); err != nil {
		t.Fatal(err)
	}
	s.callView(t, "", "open_page", id).wantStatus(t, "refused")
	s.wantWrites(t, 0)
}

// TestTheViewHasTheServerOpenTheBrowser: on a local server no address is returned.
func TestTheViewHasTheServerOpenTheBrowser(t *testing.T) {
	t.Parallel()
	shown := make(chan string, 9)
	s := newStackWith(t, options{
		channels: []confirm.Channel{confirm.Slack}, fallback: []confirm.Channel{confirm.WebPage},
		policy: func(p *confirm.Policy) { p.Approvers = append(p.Approvers, "slack:T1/U1") },
		showPage: func(_ context.Context, c confirm.Change) error {
			shown <- c.ID
			return nil
		},
	})
	c, err := s.Service.Propose(t.Context(), confirm.Requester{
		Principal: "token:ada", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.WebPage},
	}, "add_scan", mustJSON(t, s.newScan("Local")))
	if err != nil {
		t.Fatal(err)
	}
	got := s.callView(t, "", "open_page", map[string]any{"change_id": c.ID})
	if string(got.Result.Structured) != `{"opened":true}` || <-shown != c.ID {
		t.Errorf("the server answered %s", got.raw)
	}
}
