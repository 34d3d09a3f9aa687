package web_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools/toolstest"
)

// chromiumPath names the environment variable with the path of a Chromium. Without it the browser tests are skipped;
// .ci/run sets it, and fails when it cannot.
const chromiumPath = "SCANWARDEN_TEST_CHROMIUM"

// newBrowser returns the context of a browser with an empty profile.
func newBrowser(t testing.TB) context.Context {
	t.Helper()
	path := os.Getenv(chromiumPath)
	if path == "" {
		t.Skip("set " + chromiumPath + " to the path of a Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
	do(t, browser)
	return browser
}

// newTab returns the context of a tab with its own cookies, signed in as one person.
func newTab(t testing.TB, browser context.Context, s *changeSite, who confirm.Principal) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	do(t, tab)
	if _, err := chromedp.Call(tab, network.SetCookie, network.SetCookieParams{Name: "who", Value: string(who), URL: s.URL}); err != nil {
		t.Fatal(err)
	}
	return tab
}

// do runs the actions, and fails the test if they do not end within a minute.
func do(t testing.TB, tab context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	_ = get(t, tab, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Void{}, chromedp.Do(ctx, actions...)
	})
}

// get runs an action and returns its value. It fails the test if the action does not end within a minute.
func get[T any](t testing.TB, tab context.Context, action chromedp.Action[T]) T {
	t.Helper()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := chromedp.Run(tab, action)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			t.Fatal(r.err)
		}
		return r.value
	case <-time.After(time.Minute):
		t.Fatal("the browser did not answer for a minute")
		panic("unreachable")
	}
}

// shoot saves a picture of the whole page where SCANWARDEN_TEST_PICTURES names a directory.
func shoot(t testing.TB, tab context.Context, name string) {
	t.Helper()
	dir := os.Getenv("SCANWARDEN_TEST_PICTURES")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), get(t, tab, chromedp.FullScreenshot(100)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// setScheme makes the tab prefer light or dark.
func setScheme(t testing.TB, tab context.Context, scheme string) {
	t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatal(err)
	}
}

// TestBrowserPagesFit shows each kind of page in light and dark, wide and at 320 px: nothing is wider than the window.
func TestBrowserPagesFit(t *testing.T) {
	browser := newBrowser(t)
	s := newChangeSite(t, func(o *toolstest.Options, _ *web.ChangesConfig) {
		o.Policy.Required = map[string]int{"delete_scans": 2}
	})
	update := s.update(t)
	added := s.propose(t, "add_scan", map[string]any{
		"scanType": "Network", "scanName": "Branch switches", "target": "192.0.2.32,192.0.2.33,192.0.2.40", "targetType": "Ip", "intervalInHours": 8,
		"scannerAgent":             map[string]any{"machineId": "scan-branch-02.contoso.example"},
		"scanAuthenticationParams": map[string]any{"type": "NoAuthNoPriv", "username": "scanner"},
	})
	asked := s.ask(t, "add_scan", "AuthPriv")
	deleted := s.propose(t, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Core switches", "Finance servers"}})
	tab := newTab(t, browser, s, grace)
	for name, path := range map[string]string{"update": "/changes/" + update.ID, "add": "/changes/" + added.ID, "ask": "/changes/" + asked.ID, "delete": "/changes/" + deleted.ID, "list": "/changes"} {
		for _, scheme := range []string{"light", "dark"} {
			setScheme(t, tab, scheme)
			for size, width := range map[string]int64{"narrow": 320, "wide": 1280} {
				do(t, tab, chromedp.EmulateViewport(width, 800), chromedp.Navigate(s.URL+path))
				if get(t, tab, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`)) {
					t.Errorf("%s is wider than %d px", name, width)
				}
				shoot(t, tab, strings.Join([]string{name, scheme, size}, "-"))
			}
		}
	}
}
