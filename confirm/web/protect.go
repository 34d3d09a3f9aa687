package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	// maxFormBytes bounds the body of a decision: a reason and typed credentials.
	maxFormBytes = 64 << 10
	// maxFilterLen bounds the query of a list.
	maxFilterLen = 2 << 10
)

// guard refuses requests that pages never cause, and sets the security headers of every response.
type guard struct {
	hosts    []string
	secure   bool
	pages    renderer
	policy   string // Content-Security-Policy
	maxQuery int    // bytes
	again    string // where a user starts again
}

// protect returns a handler that passes what a browser sends from the pages themselves.
func (g guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header(), g.secure, g.policy)
		// Under no-referrer a browser sends "Origin: null" with the page's own form, which isOwnForm refuses.
		w.Header().Set("Referrer-Policy", "same-origin")
		switch {
		// DNS rebinding: a site whose own name resolves to this server would share an origin with these pages.
		case !allowsHost(g.hosts, r.Host):
			g.pages.renderMessage(w, http.StatusMisdirectedRequest, "This is not the address of this page", "", "")
		case r.Method != http.MethodGet && r.Method != http.MethodPost:
			w.Header().Set("Allow", "GET, POST")
			g.pages.renderMessage(w, http.StatusMethodNotAllowed, "This page can only be opened and sent", "", "")
		case len(r.URL.RawQuery) > g.maxQuery:
			g.pages.renderMessage(w, http.StatusRequestURITooLong, "This address is too long", "Start again, please.", g.again)
		case isFramed(r):
			g.pages.renderMessage(w, http.StatusForbidden, "This page cannot be shown inside another one", "Open it in a window of its own.", "")
		case r.Method == http.MethodPost && !isOwnForm(r, g.secure):
			g.pages.renderMessage(w, http.StatusForbidden, "This form was not sent from this page", "Nothing was recorded. Open the page again and send the form there.", g.again)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
			next.ServeHTTP(w, r)
		}
	})
}

// allowsHost reports whether a Host header is on the list.
func allowsHost(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(allowed string) bool { return strings.EqualFold(allowed, host) })
}

// isFramed reports whether a browser loads the page into a frame, an object or an embed.
func isFramed(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "object", "embed", "fencedframe":
		return true
	}
	return false
}

// isOwnForm reports whether a browser has sent a form of this very origin. It goes by Sec-Fetch-Site, and for older
// browsers by Origin. Without both it returns false. "same-site" is not enough: another port of 127.0.0.1 is same-site.
func isOwnForm(r *http.Request, secure bool) bool {
	sites, origins := r.Header.Values("Sec-Fetch-Site"), r.Header.Values("Origin")
	if len(sites) > 1 || len(origins) > 1 || len(sites)+len(origins) == 0 {
		return false
	}
	if len(sites) == 1 && sites[0] != "same-origin" {
		return false
	}
	return len(origins) == 0 || isOwnOrigin(origins[0], r.Host, secure)
}

// isOwnOrigin reports whether an Origin header names the host of this request, with the scheme of the public URL.
func isOwnOrigin(origin, host string, secure bool) bool {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == scheme && strings.EqualFold(u.Host, host)
}
