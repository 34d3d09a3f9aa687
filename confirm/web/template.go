package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"log/slog"
	"net/http"

	"github.com/a-h/templ"

	"scanwarden/confirm"
)

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.1118 generate

//go:embed style.css
var pageCSS string

//go:embed live.js
var pageJS string

// styleElement returns the style sheet as an HTML element.
func styleElement() templ.Component { return templ.Raw("<style>" + pageCSS + "</style>") }

// scriptElement returns the script as an HTML element.
func scriptElement() templ.Component { return templ.Raw("<script>" + pageJS + "</script>") }

// sourceHash returns the hash of an inline style sheet or script as a Content-Security-Policy source.
func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// linkPolicy returns the Content-Security-Policy of pages without forms and scripts.
func linkPolicy() string {
	return "default-src 'none'; style-src " + sourceHash(pageCSS) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// formPolicy returns the Content-Security-Policy of pages with a form and without scripts.
func formPolicy() string {
	return "default-src 'none'; style-src " + sourceHash(pageCSS) + "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// pagePolicy returns the Content-Security-Policy of the pages about changes: forms go to this server alone.
func pagePolicy() string {
	return "default-src 'none'; style-src " + sourceHash(pageCSS) + "; script-src " + sourceHash(pageJS) +
		"; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// signInProof is what proofPage shows. All its fields are text, never HTML.
type signInProof struct {
	Name      string // "" if the identity provider gave none that can be shown
	Principal confirm.Principal
	Command   string // the whole command to send in Slack
	Expires   string // a time of day with its zone
}

// renderer writes pages. It logs a page that cannot be rendered.
type renderer struct{ log *slog.Logger }

// renderPage writes the whole page, or status 500 and no part of it.
func (r renderer) renderPage(w http.ResponseWriter, status int, page templ.Component) {
	var html bytes.Buffer
	// Rendering waits for nothing, so no request needs to cancel it.
	if err := page.Render(context.Background(), &html); err != nil {
		r.log.Error("a page cannot be rendered", "error", err)
		http.Error(w, "scanwarden failed inside; an operator finds the cause in its log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes()) // a browser that has disconnected needs no page
}

// renderMessage writes a page with a title, and a text and a link to go on if they are not empty.
func (r renderer) renderMessage(w http.ResponseWriter, status int, title, text, link string) {
	r.renderPage(w, status, messagePage(title, text, link))
}
