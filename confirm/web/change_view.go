package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// viewRequest is a request to see a change that the viewer may see.
type viewRequest struct {
	viewer  Viewer
	gate    *confirm.Gate
	change  confirm.Change
	problem string // why the viewer's last decision was not recorded; "" if there was none
}

// changeView is what the page of one change shows.
type changeView struct {
	page
	Change    confirm.Change
	Scans     []tools.PlannedScan // all, also where a search hides some
	Shown     []int               // indexes of the scans that the search has found
	Search    string
	Problem   string
	Request   []requestLine
	Asks      bool // an approver types a credential
	Result    tools.Result
	Approvers []confirm.Approver
	Events    []Event
	Token     string   // "" if the viewer can decide nothing
	Typed     []string // fields of the credential that the viewer types
	// TypedLater is set where another approver types the credential, because the viewer's approval is not the last one.
	TypedLater bool
	CanDeny    bool
	// NoApproval is the sentence on why the viewer cannot approve; "" if they can.
	NoApproval string
	// StepUp is the path that signs the viewer in again, if that is all that their approval lacks; "" otherwise.
	StepUp string
	// Contexts are the sentences on the stronger sign-ins that this change needs and that the viewer has made.
	Contexts []string
}

// showChange serves the page of one change.
func (h *changesHandler) showChange(w http.ResponseWriter, r *http.Request) {
	if v, gate, c, ok := h.openChange(w, r); ok {
		h.renderChange(w, r, viewRequest{v, gate, c, ""}, http.StatusOK)
	}
}

// renderChange writes the page of one change.
func (h *changesHandler) renderChange(w http.ResponseWriter, r *http.Request, q viewRequest, status int) {
	view, err := h.newChangeView(r.Context(), q)
	if err != nil {
		h.showFailure(w, "failed to show a change", err)
		return
	}
	if view.Search = r.URL.Query().Get("q"); view.Search != "" {
		view.Shown = findScans(view.Scans, view.Search)
	}
	h.pages.renderPage(w, status, changePage(view))
}

// newChangeView collects what the page shows.
func (h *changesHandler) newChangeView(ctx context.Context, q viewRequest) (changeView, error) {
	c := q.change
	view := changeView{
		page: h.newPage(q.viewer, titleOf(c)), Change: c, Problem: q.problem,
		Result: tools.ResultOf(c),
	}
	view.Live, view.Version, view.Path = true, c.Version, h.cfg.Base+"/changes/"+c.ID
	view.setPlan()
	var err error
	if view.Approvers, err = q.gate.Approvers(ctx, c); err != nil {
		return view, err
	}
	if view.Events, err = h.events(ctx, c); err != nil {
		return view, err
	}
	return view, h.addDecision(ctx, q, &view)
}

// setPlan sets what the page shows of the plan: all scans, and the request.
func (v *changeView) setPlan() {
	v.Scans = tools.PlannedScans(v.Change.Proposal)
	v.Request = requestLines(tools.MaskedBody(v.Change.Request), v.Scans)
	v.Asks = len(tools.TypedParts(v.Change)) > 0
	v.Shown = findScans(v.Scans, "")
}

// deletes reports whether the change removes scans.
func (v changeView) deletes() bool { return deleteScans(v.Scans) }

// addDecision sets what the viewer can decide.
func (h *changesHandler) addDecision(ctx context.Context, q viewRequest, view *changeView) error {
	if q.change.State != confirm.Pending {
		return nil
	}
	approve := q.gate.CanDecide(ctx, q.change, q.viewer.vote(true, ""))
	deny := q.gate.CanDecide(ctx, q.change, q.viewer.vote(false, ""))
	for _, err := range []error{approve, deny} {
		if err != nil && !errors.Is(err, confirm.ErrRefused) && !errors.Is(err, confirm.ErrMoved) {
			return err
		}
	}
	if approve != nil {
		view.NoApproval = approve.Error()
	}
	view.setContexts(q, approve)
	view.CanDeny = deny == nil
	if approve != nil && deny != nil {
		return nil
	}
	var err error
	if view.Typed, err = h.typedNow(ctx, q); err != nil {
		return err
	}
	view.TypedLater = approve == nil && len(view.Typed) == 0 && len(h.typedParts(q.change)) > 0
	view.Token, err = h.formToken(q.viewer, q.change)
	return err
}

// setContexts sets what the page shows about the authentication contexts that the change needs. refused is why the viewer
// cannot approve, nil if they can.
func (v *changeView) setContexts(q viewRequest, refused error) {
	var missing *confirm.ContextError
	if errors.As(refused, &missing) {
		v.NoApproval = missing.Required.Text()
		if v.Viewer.StepUp == "" {
			v.NoApproval += ", and you have signed in without Microsoft; sign out and sign in with Microsoft"
			return
		}
		v.StepUp = v.Viewer.StepUp + "?" + url.Values{"return": {"/changes/" + q.change.ID}, "context": {missing.Required.ID}}.Encode()
		return
	}
	if refused != nil {
		return
	}
	for _, required := range q.gate.RequiredContexts(q.change) {
		for _, a := range v.Viewer.Contexts {
			if a.ID == required.ID {
				v.Contexts = append(v.Contexts, sentence(required.Text())+" You have signed in with it at "+clockWords(a.At)+".")
			}
		}
	}
}

// showStatus serves the version of a change, by which the script of its page finds out that the page is no longer
// current.
func (h *changesHandler) showStatus(w http.ResponseWriter, r *http.Request) {
	if _, _, c, ok := h.openChange(w, r); ok {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"version\":%d}\n", c.Version)
	}
}

// showNotAllowed writes the page for a viewer who may not see the change: who can decide it, and neither the plan nor the
// code.
func (h *changesHandler) showNotAllowed(w http.ResponseWriter, r *http.Request, gate *confirm.Gate, c confirm.Change, v Viewer) {
	approvers, err := gate.Approvers(r.Context(), c)
	if err != nil {
		h.showFailure(w, "failed to read who can decide a change", err)
		return
	}
	view := changeView{page: h.newPage(v, "Not yours to decide"), Approvers: approvers, Change: confirm.Change{State: c.State, Expires: c.Expires}}
	h.pages.renderPage(w, http.StatusForbidden, notAllowedPage(view))
}

// events returns what happened to the change, oldest first.
func (h *changesHandler) events(ctx context.Context, c confirm.Change) ([]Event, error) {
	if h.cfg.Timeline != nil {
		return h.cfg.Timeline(ctx, c)
	}
	return EventsOf(c), nil
}

// findScans returns the indexes of the scans of which a field contains the text, ignoring case. An empty text finds all.
func findScans(scans []tools.PlannedScan, text string) []int {
	text = strings.ToLower(strings.TrimSpace(text))
	found := make([]int, 0, len(scans))
	for i, s := range scans {
		inField := func(f tools.PlannedField) bool {
			value, note := f.Value()
			return strings.Contains(strings.ToLower(value+"\n"+note), text)
		}
		if text == "" || strings.Contains(strings.ToLower(s.Name+"\n"+s.ID), text) || slices.ContainsFunc(s.Unchanged, inField) || slices.ContainsFunc(s.Changed, inField) {
			found = append(found, i)
		}
	}
	return found
}

// requestLine is a line of the frozen request as it is laid out on the page.
type requestLine struct {
	Text    string
	Changed bool // it holds a field that the change alters
}

// requestLines returns the body of the request laid out for reading. A body that is not JSON is shown as it is.
func requestLines(body json.RawMessage, scans []tools.PlannedScan) []requestLine {
	if len(body) == 0 {
		return nil
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		out.Write(body)
	}
	changed := map[string]bool{}
	if len(scans) == 1 && scans[0].Effect == tools.ScanUpdated {
		for _, f := range scans[0].Changed {
			name, _, _ := strings.Cut(f.Name, ".")
			changed[`  "`+name+`":`] = true
		}
	}
	var lines []requestLine
	for line := range strings.SplitSeq(out.String(), "\n") {
		key, _, _ := strings.Cut(line, ": ")
		lines = append(lines, requestLine{line, changed[key+":"]})
	}
	return lines
}

// timeLeft returns how long a change can still be decided, at least zero.
func timeLeft(c confirm.Change, now time.Time) time.Duration { return max(0, c.Expires.Sub(now)) }

// requestText writes the request as text. It is no template, because white space matters in it.
func requestText(r confirm.Request, lines []requestLine) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		b.WriteString("<strong>" + templ.EscapeString(r.Method) + "</strong> " + templ.EscapeString(r.Path) + "\n\n")
		for _, line := range lines {
			text := templ.EscapeString(line.Text)
			if line.Changed {
				text = "<mark>" + text + "</mark>"
			}
			b.WriteString(text + "\n")
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}
