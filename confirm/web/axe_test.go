package web_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"scanwarden/tools/toolstest/browsertest"
)

// unfold opens all that folds, and returns the text of the page.
const unfold = `document.querySelectorAll("details").forEach(d => d.open = true); document.body.innerText`

// TestBrowserAxe holds every state of every page against axe-core, in light and dark, wide and at 320 px, with all that
// folds open.
func TestBrowserAxe(t *testing.T) {
	t.Parallel()
	browsertest.Axe(t)
	for _, state := range newPageStates(t) {
		t.Run(state.name, func(t *testing.T) {
			t.Parallel()
			tab := newTabAt(t, state.url, state.who)
			do(t, tab, chromedp.Navigate(state.url))
			for _, size := range []struct {
				name  string
				width int64
			}{{"narrow", 320}, {"wide", 1280}} {
				do(t, tab, chromedp.EmulateViewport(size.width, 900))
				for _, scheme := range []string{"light", "dark"} {
					shoot(t, tab, scheme, strings.Join([]string{state.name, scheme, size.name}, "-"))
				}
				if text := get(t, tab, chromedp.Evaluate[string](unfold)); !strings.Contains(text, state.text) {
					t.Fatalf("the page lacks %q:\n%s", state.text, text)
				}
				checkFits(t, tab, size.width)
				browsertest.CheckAxe(t, tab, size.name)
			}
		})
	}
}
