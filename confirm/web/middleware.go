package web

import (
	"net/http"
	"slices"
	"strings"
)

// maxQueryLen bounds the query that Microsoft sends back; a code has one or two kilobytes.
const maxQueryLen = 8 << 10

// middleware refuses requests that these pages never cause, and sets the security headers of every response.
func middleware(cfg Config, pages renderer, next http.Handler) http.Handler {
	policy := linkPolicy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header(), cfg.Secure, policy)
		switch {
		// DNS rebinding: a site whose own name resolves to this server would share an origin with these pages.
		case !slices.ContainsFunc(cfg.Hosts, func(host string) bool { return strings.EqualFold(host, r.Host) }):
			pages.renderMessage(w, http.StatusMisdirectedRequest, "This is not the address of this page.", "", "")
		case r.Method != http.MethodGet:
			w.Header().Set("Allow", http.MethodGet)
			pages.renderMessage(w, http.StatusMethodNotAllowed, "This page can only be opened.", "", "")
		case len(r.URL.RawQuery) > maxQueryLen:
			pages.renderMessage(w, http.StatusRequestURITooLong, "This address is too long.", "Start again, please.", linkPath)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// setHeaders sets the headers of every response: no cache stores the page, it loads nothing and cannot be framed, and
// no address with a code in it is sent to another site.
func setHeaders(h http.Header, secure bool, policy string) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", policy)
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// isCrossSite reports whether another site sent the browser here. It returns false for a typed address, and for a
// browser too old to send Sec-Fetch-Site.
func isCrossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}
