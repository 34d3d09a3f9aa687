package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"scanwarden/confirm/web"
	"scanwarden/tools/toolstest"
)

// unreachable lists the controls that are not wholly within the width of the window, or that nothing is drawn of.
const unreachable = `[...document.querySelectorAll("a, summary, button:not([hidden]), input:not([type=hidden]), select, textarea, [tabindex='0']")]
	.filter(e => !e.classList.contains("skip") && !e.disabled).map(e => ({e, r: e.getBoundingClientRect()}))
	.filter(({r}) => r.width < 16 || r.height < 16 || r.left < 0 || r.right > innerWidth + 0.5).map(({e, r}) => e.outerHTML.slice(0, 120) + " " + [r.left, r.right, r.height])`

// checkReachable unfolds the page and checks that it fits and that each control can be reached.
func checkReachable(t testing.TB, tab context.Context, width int64) {
	t.Helper()
	do(t, tab, chromedp.Evaluate[chromedp.Void](unfold))
	checkFits(t, tab, width)
	if found := get(t, tab, chromedp.Evaluate[[]string](unreachable)); len(found) > 0 {
		t.Errorf("at %d px these controls cannot be reached:\n%s", width, strings.Join(found, "\n"))
	}
}

// TestBrowserFitsSmallWindows: at 320 px, and at 200 % in a window of 1280 px, nothing is cut and every control can be
// reached. So it is with 500 scans to delete.
func TestBrowserFitsSmallWindows(t *testing.T) {
	t.Parallel()
	for _, state := range newPageStates(t) {
		t.Run(state.name, func(t *testing.T) {
			t.Parallel()
			tab := newTabAt(t, state.url, state.who)
			do(t, tab, chromedp.Navigate(state.url))
			for _, size := range []struct {
				width int64
				scale float64
			}{{320, 1}, {640, 2}} {
				do(t, tab, chromedp.EmulateViewport(size.width, 450, chromedp.EmulateScale(size.scale)))
				checkReachable(t, tab, size.width)
			}
		})
	}
	t.Run("500 scans", func(t *testing.T) {
		t.Parallel()
		s := newChangeSite(t, func(o *toolstest.Options, _ *web.ChangesConfig) { o.Policy.MaxScansPerDelete = 500 })
		c := s.manyDeleted(t, 500)
		tab := newTab(t, s, grace)
		do(t, tab, chromedp.EmulateViewport(320, 700), chromedp.Navigate(s.URL+"/changes/"+c.ID))
		checkReachable(t, tab, 320)
		if n := get(t, tab, chromedp.Evaluate[int](`document.querySelectorAll(".list tbody tr").length`)); n != 500 {
			t.Errorf("%d rows are shown, want 500", n)
		}
	})
}

// TestBrowserPrints: on paper the whole plan stands, and nothing that can be pressed.
func TestBrowserPrints(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, func(o *toolstest.Options, _ *web.ChangesConfig) { o.Policy.MaxScansPerDelete = 60 })
	c := s.manyDeleted(t, 60)
	tab := openInBrowser(t, s, c)
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	const shown = `[...document.querySelectorAll("button, input, select, textarea, .skip, .bar")].filter(e => e.getClientRects().length > 0).map(e => e.outerHTML.slice(0, 100))`
	if found := get(t, tab, chromedp.Evaluate[[]string](shown)); len(found) > 0 {
		t.Errorf("on paper there are controls: %v", found)
	}
	const cut = `(s => s.scrollHeight > s.clientHeight + 1)(document.querySelector(".scroll"))`
	if get(t, tab, chromedp.Evaluate[bool](cut)) {
		t.Error("on paper the list is cut")
	}
	if text := get(t, tab, chromedp.Text(`body`)); !strings.Contains(text, "Lab 59") || !strings.Contains(text, c.Digest) {
		t.Errorf("on paper the plan is not whole:\n%s", text)
	}
	if pdf := get(t, tab, chromedp.PrintToPDF()); !strings.HasPrefix(string(pdf), "%PDF") {
		t.Error("the page cannot be printed")
	}
}

// TestBrowserReducesMotion: with prefers-reduced-motion nothing moves.
func TestBrowserReducesMotion(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	tab := openInBrowser(t, s, s.update(t))
	const bars = `[...document.querySelectorAll("svg:has(animate)")].filter(e => e.getClientRects().length > 0).length + document.getAnimations().length`
	if n := get(t, tab, chromedp.Evaluate[int](bars)); n != 1 {
		t.Errorf("%d things move, want the bar of the time left", n)
	}
	features := []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatal(err)
	}
	if n := get(t, tab, chromedp.Evaluate[int](bars)); n != 0 {
		t.Errorf("with reduced motion %d things move", n)
	}
}
