package web_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools/toolstest"
	"scanwarden/tools/toolstest/browsertest"
)

// checkAxe holds the page against axe-core where it is there, in light and dark and in a window of 320 px.
func checkAxe(t *testing.T, tab context.Context, state string) {
	t.Helper()
	do(t, tab, chromedp.EmulateViewport(320, 900))
	checkFits(t, tab, 320)
	browsertest.CheckAxe(t, tab, state)
	do(t, tab, chromedp.EmulateViewport(1280, 900))
}

// TestBrowserQuorum: two people in two browsers approve one change. The first sees who is still needed, nothing is sent
// before the second, and the first one's open page then shows the end by itself.
func TestBrowserQuorum(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, func(o *toolstest.Options, _ *web.ChangesConfig) { o.Policy.Required = map[string]int{"update_scan": 2} })
	c := s.update(t)
	first, second := openInBrowser(t, s, c), newTab(t, s, linus)
	do(t, first, chromedp.Click(`button[value=approve]`))
	waitText(t, first, "1 of 2 approvals")
	waitText(t, first, "You cannot decide it")
	if n := len(s.Tenant.Writes()); n != 0 || s.now(t, c).State != confirm.Pending {
		t.Fatalf("after one of two approvals the change is %s, with %d writes", s.now(t, c).State, n)
	}
	checkAxe(t, first, "after the first approval")
	do(t, second, chromedp.Navigate(s.URL+"/changes/"+c.ID), chromedp.Click(`button[value=approve]`))
	waitText(t, second, "Applied, and sent once")
	waitText(t, first, "Applied, and sent once")
	if n := len(s.Tenant.Writes()); n != 1 {
		t.Errorf("%d writes arrived, want 1", n)
	}
	checkAxe(t, second, "after the second approval")
}

// masked lists the inputs of a credential, each with its type, what a browser may fill in, and what stands in it.
const masked = `[...document.querySelectorAll("fieldset input")].map(i => i.type + ":" + i.autocomplete + ":" + i.value)`

// TestBrowserTakesACredential: its inputs are masked. The browser refuses a missing part, the server one that cannot be a
// secret, and both leave the change as it was. The right ones are sent once and are in no page, also after going back.
func TestBrowserTakesACredential(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.ask(t, "add_scan", "AuthPriv")
	tab := openInBrowser(t, s, c)
	checkEmpty(t, tab)
	fill := func(auth, priv string) {
		do(t, tab, chromedp.Focus(`input[name=authPassword]`), chromedp.KeyEvent(auth+kb.Tab+priv), chromedp.Click(`button[value=approve]`))
	}
	fill(typedParts["authPassword"], "")
	if !get(t, tab, chromedp.Evaluate[bool](`document.querySelector("input[name=privPassword]").matches(":focus:invalid")`)) {
		t.Error("the browser does not point at the missing part")
	}
	checkAxe(t, tab, "a part is missing")
	do(t, tab, chromedp.Navigate(s.URL+"/changes/"+c.ID))
	do(t, tab, chromedp.SetValue(`input[name=authPassword]`, typedCanary+"\uFEFFx"), // as one that was pasted
		chromedp.SetValue(`input[name=privPassword]`, typedParts["privPassword"]), chromedp.Click(`button[value=approve]`))
	waitText(t, tab, "Nothing was recorded: a typed credential cannot be used")
	checkEmpty(t, tab)
	checkAxe(t, tab, "a part cannot be used")
	if got := s.now(t, c); got.State != confirm.Pending || len(s.Tenant.Writes()) != 0 {
		t.Fatalf("the change is %s, with %d writes", got.State, len(s.Tenant.Writes()))
	}
	do(t, tab, chromedp.Navigate(s.URL+"/changes/"+c.ID))
	fill(typedParts["authPassword"], typedParts["privPassword"])
	waitText(t, tab, "Applied, and sent once")
	checkSent(t, s.Tenant.Writes(), "AuthPriv")
	after := get(t, tab, chromedp.OuterHTML(`html`))
	do(t, tab, chromedp.NavigateBack())
	if left := get(t, tab, chromedp.Evaluate[int](`[...document.querySelectorAll("input[type=password]")].filter(i => i.value !== "").length`)); left != 0 {
		t.Errorf("after going back %d inputs still have what was typed", left)
	}
	s.checkNoCanary(t, c, after, get(t, tab, chromedp.OuterHTML(`html`)))
	if s.Typed.Len() != 0 || len(s.Tenant.Writes()) != 1 {
		t.Errorf("%d credentials are held after %d writes", s.Typed.Len(), len(s.Tenant.Writes()))
	}
}

// checkEmpty fails unless the page has two masked and empty inputs that no browser fills.
func checkEmpty(t *testing.T, tab context.Context) {
	t.Helper()
	const want = "password:new-password:"
	if got := get(t, tab, chromedp.Evaluate[[]string](masked)); len(got) != 2 || got[0] != want || got[1] != want {
		t.Errorf("the inputs of the credential are %q, want two %q", got, want)
	}
}
