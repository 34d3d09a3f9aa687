package web_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"scanwarden/confirm"
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
	return newTabAt(t, browser, s.URL, who)
}

// newTabAt returns the context of a tab with its own cookies, signed in as one person at the site of an address.
func newTabAt(t testing.TB, browser context.Context, address string, who confirm.Principal) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	do(t, tab)
	if _, err := chromedp.Call(tab, network.SetCookie, network.SetCookieParams{Name: "who", Value: string(who), URL: address}); err != nil {
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

// checkFits fails the test if the page has to be scrolled sideways.
func checkFits(t testing.TB, tab context.Context, width int64) {
	t.Helper()
	if get(t, tab, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`)) {
		t.Errorf("the page is wider than %d px", width)
	}
}
