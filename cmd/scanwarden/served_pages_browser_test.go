package main

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"scanwarden/defender/entra/entratest"
	"scanwarden/tools/toolstest/browsertest"
)

// checkPage waits for a text and holds the page against axe-core in light and dark and in a window of 320 px.
func checkPage(t *testing.T, tab context.Context, text string) {
	t.Helper()
	browsertest.WaitText(t, tab, text)
	browsertest.Do(t, tab, chromedp.EmulateViewport(320, 900))
	if browsertest.Get(t, tab, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`)) {
		t.Errorf("the page that says %q is wider than 320 px", text)
	}
	browsertest.CheckAxe(t, tab, text)
	browsertest.Do(t, tab, chromedp.EmulateViewport(1280, 900))
}

// signInWithMicrosoft opens the page of a change, where the user signs in and returns to it.
func (s *entraStack) signInWithMicrosoft(t *testing.T, tab context.Context, page string, user entratest.User) {
	t.Helper()
	s.entra.SignIn(user.ObjectID)
	browsertest.Do(t, tab, chromedp.Navigate(page))
	checkPage(t, tab, "Sign in to see the change")
	browsertest.Do(t, tab, chromedp.Click(`a[href^="/signin/start"]`))
}

// TestBrowserSignsInWithEntra: in a real browser, against the running program, Ada signs in with Entra ID, returns to the
// change, approves it and signs out. Eve, who is not an approver, sees that it is not hers to decide.
func TestBrowserSignsInWithEntra(t *testing.T) {
	t.Parallel()
	tab := browsertest.NewTab(t)
	s, proxy := newSignInStack(t)
	eve := s.entra.AddUser(entratest.User{ObjectID: "eeeeeeee-0000-0000-0000-000000000005", Name: "Eve"})
	page := proxy.URL + "/changes/" + s.deleteRequest(t, s.bob)().ChangeID

	other := browsertest.NewTab(t)
	s.signInWithMicrosoft(t, other, page, eve)
	checkPage(t, other, "You are signed in, but you are not an approver")
	if text := browsertest.Get(t, other, chromedp.OuterHTML(`html`)); strings.Contains(text, "Branch routers") || strings.Contains(text, "<form class") {
		t.Errorf("Eve sees the plan or a form:\n%s", text)
	}

	s.signInWithMicrosoft(t, tab, page, s.ada)
	checkPage(t, tab, "Branch routers")
	if at := browsertest.Get(t, tab, chromedp.Location()); at != page {
		t.Errorf("after the sign-in the browser is at %s, want %s", at, page)
	}
	browsertest.Do(t, tab, chromedp.Click(`.sure summary`), chromedp.Click(`input[name=read]`),
		chromedp.KeyEvent(kb.Tab+"1"+kb.Tab+kb.Enter))
	checkPage(t, tab, "Applied, and sent once")
	if n := len(s.tenant.Writes()); n != 1 {
		t.Errorf("%d writes arrived, want 1", n)
	}
	checkSignedOut(t, tab, page)
}

// checkSignedOut signs out and fails if the page of the change can still be read, also with the button that goes back.
func checkSignedOut(t *testing.T, tab context.Context, page string) {
	t.Helper()
	browsertest.Do(t, tab, chromedp.Click(`form[action="/signout"] button`))
	checkPage(t, tab, "signed out")
	for name, action := range map[string]chromedp.Action[chromedp.Void]{"back": chromedp.NavigateBack(), "again": chromedp.Navigate(page)} {
		browsertest.Do(t, tab, action)
		browsertest.WaitText(t, tab, "Sign in to see the change")
		if text := browsertest.Get(t, tab, chromedp.OuterHTML(`html`)); strings.Contains(text, "Branch routers") {
			t.Errorf("%s after the sign-out: %s", name, text)
		}
	}
}
