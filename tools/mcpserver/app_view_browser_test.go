package mcpserver_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"scanwarden/confirm"
	"scanwarden/tools/toolstest/browsertest"
)

//go:embed testdata/host.html
var hostPage []byte

// newHost serves a host page that draws the server's view beside a call of add_scan. It returns its address and the change.
func newHost(t *testing.T, s *stack) (address, change string) {
	t.Helper()
	read := s.request(t, "resources/read", "ui://scanwarden/change.html", viewCapabilities(appType), map[string]any{"uri": "ui://scanwarden/change.html"})
	var resource struct {
		Result struct{ Contents []struct{ Text string } }
	}
	if err := json.Unmarshal([]byte(read.raw), &resource); err != nil || len(resource.Result.Contents) != 1 {
		t.Fatalf("the resource is %s, %v", read.raw, err)
	}
	proposed := s.callView(t, "", "add_scan", s.newScan(`<img src=x onerror=alert(1)>`))
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(hostPage)
	})
	mux.HandleFunc("/view", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, resource.Result.Contents[0].Text) })
	mux.HandleFunc("/result", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, resultOf(t, proposed)) })
	mux.HandleFunc("/call", func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			Name      string
			Arguments map[string]any
		}
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, resultOf(t, s.callView(t, "", call.Name, call.Arguments)))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, proposed.wantStatus(t, "awaiting_confirmation").ChangeID
}

// resultOf returns the whole result of an answer.
func resultOf(t *testing.T, r response) string {
	var answer struct{ Result json.RawMessage }
	raw := r.raw
	if i := strings.LastIndex(raw, "data: "); i >= 0 {
		raw = raw[i+len("data: "):]
	}
	if err := json.Unmarshal([]byte(raw), &answer); err != nil {
		t.Error(err)
	}
	return string(answer.Result)
}

// newViewTab returns a tab with the page of a host.
func newViewTab(t *testing.T, address string) context.Context {
	t.Helper()
	tab := browsertest.NewTab(t)
	browsertest.Do(t, tab, chromedp.Navigate(address))
	return tab
}

// inView evaluates an expression about the view's document d.
func inView[T any](t *testing.T, tab context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(tab, chromedp.Evaluate[T](`(d => `+expression+`)(document.getElementById("view").contentDocument)`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// waitView waits until the view says what it should.
func waitView(t *testing.T, tab context.Context, text string) {
	t.Helper()
	poll := chromedp.Poll[chromedp.Void](fmt.Sprintf(`document.getElementById("view").contentDocument?.body?.innerText.includes(%q)`, text), chromedp.WithPollingTimeout(5*time.Minute))
	if err := chromedp.Do(tab, poll); err != nil {
		t.Fatalf("the view does not say %q: %v: %s", text, err, inView[string](t, tab, `d.body.innerText`))
	}
}

// TestBrowserHostDrawsTheView: a host in Chromium draws the card with the plan, its button opens the page, and the card shows
// how the change ends. It has no code and decides nothing.
func TestBrowserHostDrawsTheView(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, withView())
	address, id := newHost(t, s)
	tab := newViewTab(t, address)
	waitView(t, tab, "10.20.30.1,10.20.30.2")
	c, err := s.Gate.Change(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	text := inView[string](t, tab, `d.documentElement.outerHTML`)
	if strings.Contains(text, c.Code) || inView[int](t, tab, `d.querySelectorAll("img").length`) != 0 || !strings.Contains(text, "&lt;img") {
		t.Errorf("the card has a code, or a name became HTML:\n%s", text)
	}
	checkViewAxe(t, tab)
	_ = inView[bool](t, tab, `(d.getElementById("open").click(), true)`)
	waitView(t, tab, "Decide on the page that has opened")
	links := inView[[]string](t, tab, `links`)
	if !slices.Equal(links, []string{pageOrigin + id}) {
		t.Errorf("the view opened %v", links)
	}
	if now, _ := s.Gate.Change(t.Context(), id); now.State != confirm.Pending {
		t.Fatalf("the view made the change %s", now.State)
	}
	if _, err := s.Gate.Decide(t.Context(), id, confirm.Vote{Principal: "token:ada", Approve: true, Channel: confirm.WebPage}); err != nil {
		t.Fatal(err)
	}
	waitView(t, tab, "Nothing more is needed")
	messages := inView[[]string](t, tab, `log`)
	first := slices.DeleteFunc(messages, func(m string) bool { return m == "ui/notifications/size-changed" })
	if len(first) < 2 || first[0] != "ui/initialize" || first[1] != "ui/notifications/initialized" {
		t.Errorf("the view sent %v", messages)
	}
}

// checkViewAxe holds the card against axe-core in light and dark, where browsertest.AxePath is set.
func checkViewAxe(t *testing.T, tab context.Context) {
	t.Helper()
	if os.Getenv(browsertest.AxePath) == "" {
		return
	}
	quoted, err := json.Marshal(browsertest.Axe(t))
	if err != nil {
		t.Fatal(err)
	}
	// The policy of the frame allows inline scripts and no eval.
	_ = inView[bool](t, tab, `(d.head.append(Object.assign(d.createElement("script"), {textContent: `+string(quoted)+`})), true)`)
	for _, theme := range []string{"light", "dark"} {
		found := inView[string](t, tab, `(d.documentElement.dataset.theme = "`+theme+`", d.defaultView.axe.run(d, {rules: {region: {enabled: true}}})
			.then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html).join(", ")).join("\n")))`)
		if found != "" {
			t.Errorf("%s: %s", theme, found)
		}
	}
}
