package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// fakeBrowserMain is the browser of these tests: it hands its only argument to the test, which acts as the person.
func fakeBrowserMain() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "fake-browser: give one address")
		os.Exit(2)
	}
	resp, err := http.Post(os.Getenv("FAKE_BROWSER"), "text/plain", strings.NewReader(os.Args[1]))
	if err != nil {
		os.Exit(1)
	}
	resp.Body.Close()
}

// pageUser is the local user in front of a browser. Every page that the program opens arrives at opened.
type pageUser struct {
	t      *testing.T
	opened chan string
	client *http.Client
	page   string // the address of the page of the change that was opened last
	links  []string
}

// newPageUser gives the installation a browser.
func newPageUser(t *testing.T, s *stack) *pageUser {
	t.Helper()
	program, err := exec.LookPath("fake-browser")
	if err != nil {
		t.Fatal(err)
	}
	u := &pageUser{t: t, opened: make(chan string, 9)}
	u.forget()
	inbox := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		address, _ := io.ReadAll(r.Body)
		u.opened <- string(address)
	}))
	t.Cleanup(inbox.Close)
	s.env = append(s.env, "SCANWARDEN_BROWSER="+program, "FAKE_BROWSER="+inbox.URL)
	return u
}

// forget gives the user a new browser without cookies.
func (u *pageUser) forget() {
	jar, _ := cookiejar.New(nil)
	u.client = &http.Client{Jar: jar, Timeout: waitTimeout}
}

// look waits for a page to be opened, opens it, and returns what it shows.
func (u *pageUser) look() string {
	u.t.Helper()
	var link string
	select {
	case link = <-u.opened:
	case <-time.After(waitTimeout):
		u.t.Fatal("no page was opened")
	}
	u.links = append(u.links, link)
	status, text := u.get(link)
	if status != http.StatusOK {
		u.t.Fatalf("the link has status %d:\n%s", status, text)
	}
	id := regexp.MustCompile(`/changes/([0-9A-Z]{26})`).FindStringSubmatch(text)
	if id == nil {
		u.t.Fatalf("the page names no change:\n%s", text)
	}
	base, _, _ := strings.Cut(link, "/open/")
	u.page = base + "/changes/" + id[1]
	return text
}

func (u *pageUser) get(address string) (int, string) {
	u.t.Helper()
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		u.t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	resp, err := u.client.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

var reHidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

// send posts the form of the page as a browser does, with more fields filled in, and returns the page that follows.
func (u *pageUser) send(page string, fields ...string) (int, string) {
	u.t.Helper()
	form := url.Values{}
	for _, m := range reHidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.page, strings.NewReader(form.Encode()))
	if err != nil {
		u.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := u.client.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// pageCall is a call that waits for the person at the page.
type pageCall struct {
	result toolResult
	err    error
}

// callAside calls a tool on a goroutine of its own.
func callAside(t *testing.T, c *mcp.ClientSession, tool string, args map[string]any) <-chan pageCall {
	t.Helper()
	done := make(chan pageCall, 1)
	go func() {
		r, err := tryCallTool(t.Context(), c, tool, args)
		done <- pageCall{r, err}
	}()
	return done
}

// wantEnd waits for the end of a call, and checks how the change ended.
func wantEnd(t *testing.T, call <-chan pageCall, status string) toolResult {
	t.Helper()
	got := <-call
	if got.err != nil || got.result.Status != status {
		t.Fatalf("the call ended with %+v, %v; want %s", got.result, got.err, status)
	}
	return got.result
}

var pauseCore = map[string]any{"id": "Core switches", "isActive": false}

// TestAPersonCanAlwaysBeAsked: the user of a client that cannot show a prompt approves, denies and deletes on the page that
// scanwarden opens in their browser, in both protocol eras.
func TestAPersonCanAlwaysBeAsked(t *testing.T) {
	t.Parallel()
	for era := range protocolVersions {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			u := newPageUser(t, s)
			transport, _ := overStdio(t, s)
			c := connectClient(t, transport, era, nil)

			call := callAside(t, c, "update_scan", pauseCore)
			page := u.look()
			if _, after := u.send(page, "decision", "approve"); !strings.Contains(after, "Applied, and sent once") {
				t.Errorf("after the approval the page shows\n%s", after)
			}
			if r := wantEnd(t, call, "applied"); !strings.HasPrefix(r.DecidedBy, "local:") {
				t.Errorf("decided by %q", r.DecidedBy)
			}

			call = callAside(t, c, "update_scan", map[string]any{"id": "Core switches", "intervalInHours": 24})
			u.send(u.look(), "decision", "deny", "reason", "not before Monday")
			if r := wantEnd(t, call, "denied"); !strings.Contains(r.Reason, "not before Monday") {
				t.Errorf("the reason is %q", r.Reason)
			}

			call = callAside(t, c, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Core switches"}})
			page = u.look()
			if status, text := u.send(page, "decision", "approve"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "Nothing was recorded") {
				t.Errorf("a delete without its second step has status %d", status)
			}
			u.send(page, "decision", "approve", "read", "yes", "count", "1")
			wantEnd(t, call, "applied")
			if n := len(writesOf(s)); n != 2 {
				t.Errorf("%d writes arrived, want 2", n)
			}
		})
	}
}

// TestAPageThatIsTooLate: a change that expires while its page is open cannot be approved, and the page says so.
func TestAPageThatIsTooLate(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.env = append(s.env, "SCANWARDEN_EXPIRES=20s") // long enough to load the page on a slow machine
	u := newPageUser(t, s)
	transport, _ := overStdio(t, s)
	call := callAside(t, connectClient(t, transport, "modern", nil), "update_scan", pauseCore)
	page := u.look()
	wantEnd(t, call, "expired")
	if status, text := u.send(page, "decision", "approve"); status != http.StatusConflict || !strings.Contains(text, "came too late") {
		t.Errorf("the late approval has status %d:\n%s", status, text)
	}
	if writes := writesOf(s); len(writes) != 0 {
		t.Errorf("written: %v", writes)
	}
}

// TestNothingLeadsAModelToThePage: while a page is open, no answer to any tool, no log and no file has its link, and no
// answer and no log has the code. The link is worth nothing after its use, and to a user without its cookie.
func TestNothingLeadsAModelToThePage(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	u := newPageUser(t, s)
	transport, _ := overStdio(t, s)
	c := connectClient(t, transport, "modern", nil)
	call := callAside(t, c, "update_scan", pauseCore)
	page := u.look()
	code := regexp.MustCompile(`>([ACDEFGHJKMNPQRTUWXY34679]{5})<`).FindStringSubmatch(page)
	if code == nil {
		t.Fatalf("the page shows no code:\n%s", page)
	}
	path, err := url.Parse(u.links[0])
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(strings.Split(strings.Trim(path.Path, "/"), "/")[1:], code[1], path.Host, "127.0.0.1:"+path.Port())
	var said strings.Builder
	id := strings.TrimPrefix(u.page[strings.LastIndex(u.page, "/"):], "/")
	for tool, args := range map[string]map[string]any{
		"list_scans": {}, "list_scanners": {}, "get_change": {}, "scan_history": {"scanDefinitionIds": []string{"Core switches"}},
		"add_scan": {"scanName": "link " + id}, "delete_scans": {"scanDefinitionIds": []string{id}}, "open_page": {"change": id}, "approve_change": {"change_id": id},
	} {
		answer, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
		text, _ := json.Marshal(answer)
		fmt.Fprintln(&said, tool, string(text), err)
	}
	answer, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: "get_change", Arguments: map[string]any{"change_id": id}})
	text, _ := json.Marshal(answer)
	fmt.Fprintln(&said, string(text), err)

	thief := &pageUser{t: t, page: u.page}
	thief.forget()
	for address, want := range map[string]int{u.links[0]: http.StatusGone, u.page: http.StatusForbidden} {
		if status, text := thief.get(address); status != want || strings.Contains(text, code[1]) {
			t.Errorf("without the cookie the page has status %d, want %d", status, want)
		}
	}
	if status, _ := thief.send(page, "decision", "approve"); status != http.StatusForbidden {
		t.Errorf("the form of a second user has status %d", status)
	}

	u.send(page, "decision", "approve")
	last, _ := json.Marshal(wantEnd(t, call, "applied"))
	said.Write(last)
	for _, secret := range secrets {
		if secret == "open" || secret == "" {
			continue
		}
		if strings.Contains(said.String(), secret) {
			t.Errorf("an answer has %q:\n%s", secret, said.String())
		}
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, s.logs)
		}
	}
	wantNoFileWith(t, s.state, u.links[0][strings.LastIndex(u.links[0], "/")+1:])
}

// TestABrowserThatShowsNothing: where the browser's program fails, the answer names the command for a terminal.
func TestABrowserThatShowsNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.env = append(s.env, "SCANWARDEN_BROWSER=/bin/false")
	transport, _ := overStdio(t, s)
	c := connectClient(t, transport, "modern", nil)
	if r := callTool(t, c, "update_scan", pauseCore); r.Status != "awaiting_confirmation" || !strings.Contains(r.Next, "scanwarden review") {
		t.Errorf("the answer is %+v", r)
	}

	s = newStack(t)
	s.env = append(s.env, "SCANWARDEN_BROWSER=/bin/false", "SCANWARDEN_CONFIRM_WITH=page")
	transport, _ = overStdio(t, s)
	c = connectClient(t, transport, "modern", nil)
	if r := callTool(t, c, "update_scan", pauseCore); r.Status != "withdrawn" || !strings.Contains(r.Next, "SCANWARDEN_CONFIRM_WITH") {
		t.Errorf("with the page alone, the answer is %+v", r)
	}
}

// TestAClientThatCanAskIsAsked: a form comes before a page, and a model that repeats its call opens no second page.
func TestAClientThatCanAskIsAsked(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	u := newPageUser(t, s)
	s.env = append(s.env, "SCANWARDEN_CONFIRM_WITH=client,page,terminal")
	transport, _ := overStdio(t, s)
	c := connectClient(t, transport, "legacy", typeCode)
	if r := callTool(t, c, "update_scan", pauseCore); r.Status != "applied" {
		t.Errorf("the answer is %+v", r)
	}
	select {
	case <-u.opened:
		t.Error("a page was opened beside the client's form")
	default:
	}

	s = newStack(t)
	u = newPageUser(t, s)
	transport, _ = overStdio(t, s)
	c = connectClient(t, transport, "modern", nil)
	first := callAside(t, c, "update_scan", pauseCore)
	page := u.look()
	again := callAside(t, c, "update_scan", pauseCore)
	u.send(page, "decision", "approve")
	wantEnd(t, first, "applied")
	<-again // it has joined the change, or has found nothing left to do
	select {
	case <-u.opened:
		t.Error("the same page was opened twice within seconds")
	default:
	}
}

// TestTryOnThePage goes through the tour with a browser: three changes are applied, and the one that someone else has edited
// meanwhile is stale.
func TestTryOnThePage(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	u := newPageUser(t, s)
	cmd := s.command("try", "--page")
	done := make(chan string, 1)
	go func() {
		out, err := cmd.Output()
		done <- fmt.Sprint(string(out), err)
	}()
	u.send(u.look(), "decision", "approve")
	u.send(u.look(), "decision", "approve")
	u.send(u.look(), "decision", "approve", "read", "yes", "count", "1")
	u.send(u.look(), "decision", "approve")
	if out := <-done; !strings.Contains(out, "3 changes applied, 0 refused, 3 writes reached the tenant") || !strings.Contains(out, "stale") {
		t.Errorf("the tour ended with\n%s", out)
	}
}

// TestTryOnThePageNeedsABrowser: without one, the tour ends at once and says how to take it.
func TestTryOnThePageNeedsABrowser(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	if err := s.command("try", "--page").Run(); err == nil || !strings.Contains(s.logs.String(), "run scanwarden try without --page") {
		t.Errorf("it ended with %v:\n%s", err, s.logs)
	}
}
