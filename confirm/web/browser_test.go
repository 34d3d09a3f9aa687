package web_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"scanwarden/confirm"
	"scanwarden/tools/toolstest/browsertest"
)

// newTab returns the context of a tab with its own cookies, signed in as one person.
func newTab(t testing.TB, s *changeSite, who confirm.Principal) context.Context {
	t.Helper()
	return newTabAt(t, s.URL, who)
}

// newTabAt returns the context of a tab with its own cookies, signed in as one person at the site of an address.
func newTabAt(t testing.TB, address string, who confirm.Principal) context.Context {
	t.Helper()
	tab := browsertest.NewTab(t)
	browsertest.SetCookie(t, tab, address, "who", string(who))
	return tab
}

func do(t testing.TB, tab context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	browsertest.Do(t, tab, actions...)
}

func get[T any](t testing.TB, tab context.Context, action chromedp.Action[T]) T {
	t.Helper()
	return browsertest.Get(t, tab, action)
}

func waitText(t testing.TB, tab context.Context, text string) {
	t.Helper()
	browsertest.WaitText(t, tab, text)
}

// shoot saves a picture of the whole page in a color scheme where SCANWARDEN_TEST_PICTURES names a directory.
func shoot(t testing.TB, tab context.Context, scheme, name string) {
	t.Helper()
	dir := os.Getenv("SCANWARDEN_TEST_PICTURES")
	if dir == "" {
		return
	}
	browsertest.SetScheme(t, tab, scheme, false)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), get(t, tab, chromedp.FullScreenshot(100)), 0o600); err != nil {
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
