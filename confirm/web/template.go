package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// look is how the pages look: one template, one style sheet that the browser takes by its hash alone.
type look struct {
	page      *template.Template
	styleHash string // as a Content-Security-Policy has it
	log       *slog.Logger
}

// content is what a page says; which parts stand there depends on which fields do.
type content struct {
	Style   template.CSS
	Title   string
	Words   string // one sentence or two
	Start   string // what the button says that leads to signing in; "" is no button
	Again   bool   // a link to the beginning
	Explain bool   // the first page
	Proof   *handover
}

// handover is the last page: who signed in, and what they paste into their Slack.
type handover struct {
	Name      string
	Principal string
	Command   string
	Until     string
}

func newLook(log *slog.Logger) (look, error) {
	parsed, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return look{}, fmt.Errorf("parse page: %w", err)
	}
	sum := sha256.Sum256([]byte(pageCSS))
	return look{page: parsed, styleHash: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]), log: log}, nil
}

// show writes a page, whole or not at all.
func (l look) show(w http.ResponseWriter, status int, c content) {
	c.Style = template.CSS(pageCSS)
	var whole bytes.Buffer
	if err := l.page.Execute(&whole, c); err != nil {
		l.log.Error("a page cannot be written", "error", err)
		http.Error(w, "scanwarden failed inside; an operator finds the cause in its log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(whole.Bytes()) // a browser that went away needs no page
}

// letter is a page that only says something.
func (l look) letter(w http.ResponseWriter, status int, title, words string) {
	l.show(w, status, content{Title: title, Words: words, Again: words != ""})
}
