package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"scanwarden/confirm"
)

// openInBrowser returns a tab of Grace with the page of a change.
func openInBrowser(t testing.TB, s *changeSite, c confirm.Change) context.Context {
	t.Helper()
	tab := newTab(t, s, grace)
	do(t, tab, chromedp.Navigate(s.URL+"/changes/"+c.ID))
	waitText(t, tab, c.Code)
	return tab
}

// TestBrowserDecides approves and denies in a real browser, with its scripts and without them.
func TestBrowserDecides(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		button, text string
		state        confirm.State
		noScripts    bool
	}{
		"approve":                {"approve", "Applied, and sent once", confirm.Applied, false},
		"approve without script": {"approve", "Applied, and sent once", confirm.Applied, true},
		"deny":                   {"deny", "Denied, so nothing was sent", confirm.Denied, false},
		"deny without script":    {"deny", "Denied, so nothing was sent", confirm.Denied, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newChangeSite(t, nil)
			c := s.update(t)
			tab := newTab(t, s, grace)
			if want.noScripts {
				if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
					t.Fatal(err)
				}
			}
			do(t, tab, chromedp.Navigate(s.URL+"/changes/"+c.ID),
				chromedp.SendKeys(`textarea[name=reason]`, "Agreed with the <b>network</b> team"),
				chromedp.Click(`button[value=`+want.button+`]`))
			waitText(t, tab, want.text)
			if text := get(t, tab, chromedp.Text(`body`)); !strings.Contains(text, "Agreed with the <b>network</b> team") {
				t.Errorf("the page says:\n%s", text)
			}
			if got := s.now(t, c); got.State != want.state {
				t.Errorf("the change is %s, want %s", got.State, want.state)
			}
		})
	}
}

// TestBrowserPageFollowsTheChange: an open page shows by itself that its change has ended elsewhere or expired, and a scan
// that was edited meanwhile is not changed.
func TestBrowserPageFollowsTheChange(t *testing.T) {
	t.Parallel()
	t.Run("decided elsewhere", func(t *testing.T) {
		t.Parallel()
		s := newChangeSite(t, nil)
		c := s.update(t)
		tab := openInBrowser(t, s, c)
		if _, err := s.Gate.Decide(t.Context(), c.ID, confirm.Vote{Principal: linus, Channel: confirm.Slack}); err != nil {
			t.Fatal(err)
		}
		waitText(t, tab, "Denied, so nothing was sent")
	})
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		s := newChangeSite(t, nil)
		tab := openInBrowser(t, s, s.update(t))
		s.Advance(16 * time.Minute)
		waitText(t, tab, "Nobody decided in time")
	})
	t.Run("edited in Defender", func(t *testing.T) {
		t.Parallel()
		s := newChangeSite(t, nil)
		tab := openInBrowser(t, s, s.update(t))
		s.edit("Core switches", map[string]any{"target": "203.0.113.9"})
		do(t, tab, chromedp.Click(`button[value=approve]`))
		waitText(t, tab, "The live state has changed")
		if n := len(s.Tenant.Writes()); n != 0 {
			t.Errorf("%d writes arrived, want none", n)
		}
	})
}

// TestBrowserFilters selects a status in the history.
func TestBrowserFilters(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	denied := s.decided(t, s.update(t), false)
	applied := s.approved(t, s.deactivate(t, "Branch routers"))
	tab := newTab(t, s, grace)
	do(t, tab, chromedp.Navigate(s.URL+"/changes"), chromedp.SetValue(`select[name=status]`, "denied"), chromedp.Click(`form.seek button`))
	waitText(t, tab, "1 of 1")
	links := get(t, tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll("table a")].map(a => a.getAttribute("href"))`))
	if len(links) != 1 || links[0] != "/changes/"+denied.ID || strings.Contains(links[0], applied.ID) {
		t.Errorf("with the status denied, the history has %v", links)
	}
}

// TestBrowserKeyboard reaches and presses Approve with the keyboard alone. Enter in a field decides nothing.
func TestBrowserKeyboard(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	one := s.propose(t, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}})
	tab := openInBrowser(t, s, one)
	do(t, tab, chromedp.Click(`.sure summary`), chromedp.Click(`input[name=read]`))
	do(t, tab, chromedp.KeyEvent(kb.Tab+"1"), chromedp.KeyEvent(kb.Enter))
	if typed := get(t, tab, chromedp.Evaluate[string](`document.querySelector("input[name=count]")?.value ?? "gone"`)); typed != "1" {
		t.Fatalf("the field of the count has %q after the keys", typed)
	}
	if got := s.now(t, one); got.State != confirm.Pending {
		t.Fatalf("Enter in a field made the change %s", got.State)
	}
	c := s.update(t)
	do(t, tab, chromedp.Navigate(s.URL+"/changes/"+c.ID))
	const focused = `document.activeElement?.value ?? ""`
	for range 30 {
		do(t, tab, chromedp.KeyEvent(kb.Tab))
		if get(t, tab, chromedp.Evaluate[bool](`document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle === "none"`)) {
			t.Errorf("no outline shows the focus on %s", get(t, tab, chromedp.Evaluate[string](`document.activeElement.outerHTML.slice(0, 200)`)))
		}
		if get(t, tab, chromedp.Evaluate[string](focused)) == "approve" {
			break
		}
	}
	do(t, tab, chromedp.KeyEvent(kb.Enter))
	waitText(t, tab, "Applied, and sent once")
}
