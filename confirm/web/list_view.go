package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/tools"
)

const (
	// maxListed bounds how many changes the list reads from the ledger.
	maxListed = 1000
	// pageSize bounds how many ended changes one page of the history shows.
	pageSize = 50
)

// listFilter selects changes of the history. A zero field selects all.
type listFilter struct {
	Status    string
	Operation string
	Person    string // part of a name or principal of who asked or decided
	Text      string // part of the summary or of a field
	Before    string // the id of the last change of the page before
}

// newListFilter returns the filter in a query.
func newListFilter(q url.Values) listFilter {
	return listFilter{q.Get("status"), q.Get("operation"), strings.TrimSpace(q.Get("person")), strings.TrimSpace(q.Get("q")), q.Get("before")}
}

// matches reports whether the filter selects c.
func (f listFilter) matches(c confirm.Change) bool {
	return (f.Status == "" || f.Status == string(c.State)) && (f.Operation == "" || f.Operation == c.Operation) &&
		(f.Before == "" || c.ID < f.Before) && involves(c, f.Person) && mentions(c, f.Text)
}

// involves reports whether a name or principal of who asked or decided contains the text, ignoring case.
func involves(c confirm.Change, text string) bool {
	people := string(c.Requester)
	for _, d := range c.Decisions {
		people += "\n" + string(d.Principal) + "\n" + d.Name
	}
	return strings.Contains(strings.ToLower(people), strings.ToLower(text))
}

// mentions reports whether the summary or a field of c contains the text, ignoring case.
func mentions(c confirm.Change, text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(strings.ToLower(c.Summary), text) || slices.ContainsFunc(c.Subjects, func(s confirm.Subject) bool {
		return slices.ContainsFunc(s.Fields, func(f confirm.Field) bool {
			return strings.Contains(strings.ToLower(f.Before+"\n"+f.After), text)
		})
	})
}

// older returns the address of the next page of the history.
func (v listView) older() string {
	q := url.Values{"before": {v.Ended[len(v.Ended)-1].ID}}
	for name, value := range map[string]string{"status": v.Filter.Status, "operation": v.Filter.Operation, "person": v.Filter.Person, "q": v.Filter.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return v.Base + "/changes?" + q.Encode()
}

// listView is what the list of changes shows.
type listView struct {
	page
	Open       []openRow
	Ended      []confirm.Change
	Total      int // ended changes that the filter selects
	More       bool
	Cut        bool // the ledger has more changes than the list reads
	Filter     listFilter
	Operations []string
}

// openRow is a change that can still lead to a write.
type openRow struct {
	confirm.Change
	Yours bool // the viewer can approve it
	Scans []tools.PlannedScan
}

// waiting returns how many open changes wait for the viewer.
func (v listView) waiting() int {
	n := 0
	for _, row := range v.Open {
		if row.Yours {
			n++
		}
	}
	return n
}

// showList serves the list of changes.
func (h *changesHandler) showList(w http.ResponseWriter, r *http.Request) {
	v, gate, ok := h.openRequest(w, r)
	if !ok {
		return
	}
	changes, err := gate.VisibleChanges(r.Context(), v.who(), confirm.Filter{Limit: maxListed})
	if err != nil {
		h.showFailure(w, "failed to list changes", err)
		return
	}
	view := listView{page: h.newPage(v, "Changes"), Filter: newListFilter(r.URL.Query()), Cut: len(changes) >= maxListed}
	view.Path = h.cfg.Base + "/changes"
	now := h.cfg.Now()
	for _, c := range changes {
		switch {
		case c.State.Open() && (c.State != confirm.Pending || c.Expires.After(now)):
			yours := gate.CanDecide(r.Context(), c, v.vote(true, "")) == nil
			view.Open = append(view.Open, openRow{c, yours, tools.PlannedScans(c.Proposal)})
		case view.Filter.matches(c):
			if view.Total++; len(view.Ended) < pageSize {
				view.Ended = append(view.Ended, c)
			}
		}
		if !slices.Contains(view.Operations, c.Operation) {
			view.Operations = append(view.Operations, c.Operation)
		}
	}
	slices.Sort(view.Operations)
	view.More = view.Total > len(view.Ended)
	h.pages.renderPage(w, http.StatusOK, listPage(view))
}
