package entra_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"scanwarden/defender/entra"
)

// testBrowser acts as the user's browser for a sign-in address. It returns to the program over a real port of
// this machine.
type testBrowser struct {
	f      *fakeTenant
	answer func(url.Values) url.Values // replaces Entra ID's answer; nil means that the user signs in
	method string                      // "" means POST
	opened chan url.Values
}

func newTestBrowser(f *fakeTenant) *testBrowser {
	return &testBrowser{f: f, opened: make(chan url.Values, 10)}
}

func (b *testBrowser) open(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	asked := u.Query()
	b.opened <- asked
	back, err := b.signIn(address, asked)
	if back == nil || err != nil {
		return err // the user does nothing, or the page failed
	}
	method := b.method
	if method == "" {
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, asked.Get("redirect_uri"), strings.NewReader(back.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	page, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, page.Body)
	return errors.Join(err, page.Body.Close())
}

// signIn returns the values that the browser returns to the program, or nil if the user does nothing.
func (b *testBrowser) signIn(address string, asked url.Values) (url.Values, error) {
	if b.answer != nil {
		return b.answer(asked), nil
	}
	page, err := b.f.Client().Get(address)
	if err != nil {
		return nil, err
	}
	back, err := findForm(page, "")
	return back.fields, err
}

func (b *testBrowser) source(t *testing.T, shown *prompts, edit func(*entra.Config)) *entra.Source {
	return b.f.userSource(t, shown, func(c *entra.Config) {
		c.Mode, c.OpenURL = entra.Interactive, b.open
		if edit != nil {
			edit(c)
		}
	})
}
