package entratest

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// allowsRedirect reports whether the address is a registered redirect URI. The port of http://localhost does
// not matter.
func (a App) allowsRedirect(address string) bool {
	if slices.Contains(a.RedirectURIs, address) {
		return true
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "localhost" {
		return false
	}
	u.Host = "localhost"
	return slices.Contains(a.RedirectURIs, u.String())
}

// redirectPage returns the answer that sends the browser back to the app, as a redirect or as a form that posts
// itself.
func redirectPage(address, mode string, values url.Values) page {
	if mode != "form_post" {
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		return page{status: http.StatusFound, location: address + separator + values.Encode()}
	}
	var form strings.Builder
	form.WriteString(`<!doctype html><title>Working...</title><form method="POST" name="hiddenform" action="` + html.EscapeString(address) + `">`)
	for name := range values {
		form.WriteString(`<input type="hidden" name="` + name + `" value="` + html.EscapeString(values.Get(name)) + `">`)
	}
	form.WriteString(`<noscript><button>Continue</button></noscript></form><script>document.forms[0].submit()</script>`)
	return page{status: http.StatusOK, html: form.String()}
}

// errorPage returns the answer for a user whose browser cannot be sent back.
func (s *Server) errorPage(c *call, err error) page {
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		c.code = refused.code
	}
	return page{status: http.StatusBadRequest, html: "<!doctype html><title>Sign in</title><p>" + html.EscapeString(err.Error())}
}
