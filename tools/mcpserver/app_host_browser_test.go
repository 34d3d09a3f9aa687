package mcpserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"scanwarden/confirm"
	"scanwarden/tools/toolstest/browsertest"
)

// appHostPath names the environment variable with the path of testdata/npm_host.mjs, bundled with its packages.
const appHostPath = "SCANWARDEN_TEST_APP_HOST"

const appHostPage = `<!doctype html><html lang="en"><title>A host from npm</title>
<iframe id="view" title="view" width="600" height="420" sandbox="allow-scripts allow-same-origin"></iframe>
<script type="module" src="/host.js"></script></html>`

// newAppHost serves the bundled host, with the server at /mcp behind Ada's token. It returns its address.
func newAppHost(t *testing.T, s *stack) string {
	t.Helper()
	path := os.Getenv(appHostPath)
	if path == "" {
		t.Skip("set " + appHostPath + " to the bundle of testdata/npm_host.mjs, as .ci/run makes it")
	}
	server, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, appHostPage)
	})
	mux.HandleFunc("/host.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	mux.Handle("/mcp", &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL, r.Out.Host = server, ""
		r.Out.Header.Set("Authorization", "Bearer "+adaToken)
		r.Out.Header.Del("Origin") // the proxy calls the server itself, as a host's own process does
	}})
	host := httptest.NewServer(mux)
	t.Cleanup(host.Close)
	return host.URL
}

// TestBrowserNpmHostDrawsTheView: a host made of the packages that hosts are made of draws the card with the plan. Its button
// opens the page and decides nothing. The card shows how the change ends.
func TestBrowserNpmHostDrawsTheView(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, withView())
	tab := newViewTab(t, newAppHost(t, s))
	args, err := json.Marshal(s.newScan(`<img src=x onerror=alert(1)>`))
	if err != nil {
		t.Fatal(err)
	}
	result := browsertest.Get(t, tab, chromedp.Evaluate[map[string]any](`draw("add_scan", `+string(args)+`)`, chromedp.EvalAwaitPromise))
	id, _ := result["change_id"].(string)
	waitView(t, tab, "10.20.30.1,10.20.30.2")
	waitView(t, tab, "Waiting")
	c, err := s.Gate.Change(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if page := inView[string](t, tab, `d.documentElement.outerHTML`); strings.Contains(page, c.Code) || !strings.Contains(page, "&lt;img") ||
		!strings.Contains(page, `data-theme="dark"`) {
		t.Errorf("the card has a code, made a name HTML, or is not dark as its host:\n%s", page)
	}
	checkViewAxe(t, tab)
	_ = inView[bool](t, tab, `(d.querySelectorAll("button").forEach(b => b.click()), true)`)
	waitView(t, tab, "Decide on the page that has opened")
	if links := inView[[]string](t, tab, `links`); !slices.Equal(links, []string{pageOrigin + id}) {
		t.Errorf("the view opened %v", links)
	}
	if now, _ := s.Gate.Change(t.Context(), id); now.State != confirm.Pending || len(now.Decisions) != 0 {
		t.Fatalf("every button of the card made the change %s", now.State)
	}
	s.wantWrites(t, 0)
	if _, err := s.Gate.Decide(t.Context(), id, confirm.Vote{Principal: "token:ada", Approve: true, Channel: confirm.WebPage}); err != nil {
		t.Fatal(err)
	}
	waitView(t, tab, "Nothing more is needed")
	if problems := inView[[]string](t, tab, `problems`); len(problems) != 0 {
		t.Errorf("the host met %v", problems)
	}
}
