package web_test

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axePath names the environment variable with the path of axe-core's axe.min.js, a checker for accessibility rules.
const axePath = "SCANWARDEN_TEST_AXE"

// axeRun returns the violations of a page, a line each.
const axeRun = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
	v.id + ": " + v.help + "\n" + v.nodes.slice(0, 4).map(n => "   " + n.html.slice(0, 200) + "  " + n.failureSummary.replaceAll("\n", " ")).join("\n")).join("\n"))`

// unfold opens all that folds, and returns the text of the page.
const unfold = `document.querySelectorAll("details").forEach(d => d.open = true); document.body.innerText`

// TestBrowserAxe holds every state of every page against axe-core, in light and dark, wide and at 320 px, with all that
// folds open.
func TestBrowserAxe(t *testing.T) {
	path := os.Getenv(axePath)
	if path == "" {
		t.Skip("set " + axePath + " to the path of axe.min.js")
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	browser := newBrowser(t)
	for _, state := range newPageStates(t) {
		t.Run(state.name, func(t *testing.T) {
			tab := newTabAt(t, browser, state.url, state.who)
			for size, width := range map[string]int64{"narrow": 320, "wide": 1280} {
				do(t, tab, chromedp.EmulateViewport(width, 900), chromedp.Navigate(state.url))
				for _, scheme := range []string{"light", "dark"} {
					setScheme(t, tab, scheme)
					shoot(t, tab, strings.Join([]string{state.name, scheme, size}, "-"))
				}
				if text := get(t, tab, chromedp.Evaluate[string](unfold)); !strings.Contains(text, state.text) {
					t.Fatalf("the page lacks %q:\n%s", state.text, text)
				}
				checkFits(t, tab, width)
				do(t, tab, chromedp.Evaluate[chromedp.Void](string(axe)))
				for _, scheme := range []string{"light", "dark"} {
					setScheme(t, tab, scheme)
					if found := get(t, tab, chromedp.Evaluate[string](axeRun, chromedp.EvalAwaitPromise)); found != "" {
						t.Errorf("%s, %d px:\n%s", scheme, width, found)
					}
				}
			}
		})
	}
}
