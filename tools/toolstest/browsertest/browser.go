// Package browsertest runs a real Chromium for the tests of the pages.
//
// A test calls [NewTab] for a tab with its own cookies, and [Do], [Get] and [WaitText] to act in it. All tests of a process
// share one browser, which is closed when the last of them ends. Without the variable [ChromiumPath] the test is skipped.
//
// The invariant: a tab belongs to one test and is closed when that test ends.
package browsertest

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// ChromiumPath names the environment variable with the path of a Chromium. Without it the browser tests are skipped;
// .ci/run sets it, and fails when it cannot.
const ChromiumPath = "SCANWARDEN_TEST_CHROMIUM"

// answerTimeout bounds each step. It is long, because it only has to end before the test run itself is ended.
const answerTimeout = 5 * time.Minute

// shared is the browser of this process, which lives while it has users.
var shared struct {
	sync.Mutex
	users   int
	browser context.Context
	cancel  context.CancelFunc
}

// startBrowser returns the context of the shared browser until the test ends. It skips the test without a Chromium.
func startBrowser(t testing.TB) context.Context {
	t.Helper()
	path := os.Getenv(ChromiumPath)
	if path == "" {
		t.Skip("set " + ChromiumPath + " to the path of a Chromium")
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.users == 0 {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
			chromedp.WSURLReadTimeout(answerTimeout), chromedp.IgnoreCertErrors,
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
		allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		browser, cancelBrowser := chromedp.NewContext(allocator)
		shared.browser, shared.cancel = browser, func() { cancelBrowser(); cancelAllocator() }
		if err := chromedp.Do(browser); err != nil {
			shared.cancel()
			t.Fatal(err)
		}
	}
	shared.users++
	t.Cleanup(stopBrowser)
	return shared.browser
}

// stopBrowser ends one use of the shared browser, and closes it after the last.
func stopBrowser() {
	shared.Lock()
	defer shared.Unlock()
	if shared.users--; shared.users == 0 {
		shared.cancel()
	}
}

// NewTab returns the context of a tab with its own cookies, which is closed when the test ends.
func NewTab(t testing.TB) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(startBrowser(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	Do(t, tab)
	return tab
}

// SetCookie gives the tab a cookie for the site of an address.
func SetCookie(t testing.TB, tab context.Context, address, name, value string) {
	t.Helper()
	if _, err := chromedp.Call(tab, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address}); err != nil {
		t.Fatal(err)
	}
}

// Do runs the actions. It fails the test if one of them fails or does not end.
func Do(t testing.TB, tab context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	_ = Get(t, tab, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Void{}, chromedp.Do(ctx, actions...)
	})
}

// Get runs an action and returns its value. It fails the test if the action fails or does not end.
func Get[T any](t testing.TB, tab context.Context, action chromedp.Action[T]) T {
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
	case <-time.After(answerTimeout):
		t.Fatalf("the browser did not answer for %s", answerTimeout)
		panic("unreachable")
	}
}

// WaitText waits until the page shows the text, across reloads. It fails the test if the page never does.
func WaitText(t testing.TB, tab context.Context, text string) {
	t.Helper()
	shown := ""
	for began := time.Now(); time.Since(began) < answerTimeout; <-time.After(50 * time.Millisecond) {
		// An error means that the page is being replaced by the next one.
		value, err := chromedp.Run(tab, chromedp.Evaluate[string](`document.body?.innerText ?? ""`))
		if err == nil {
			if shown = value; strings.Contains(shown, text) {
				return
			}
		}
	}
	t.Fatalf("the page does not say %q:\n%s", text, shown)
}

// SetScheme makes the tab prefer light or dark. With still, nothing moves.
func SetScheme(t testing.TB, tab context.Context, scheme string, still bool) {
	t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if still {
		features = append(features, &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
	}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatal(err)
	}
}
