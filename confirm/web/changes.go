package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"scanwarden/confirm"
)

// Viewer is the person that a request comes from, as a sign-in or the local link has authenticated them.
type Viewer struct {
	Principal confirm.Principal
	Name      string                // shown in the header; may be empty
	Groups    []string              // verified groups, named as in the policy's approvers
	Contexts  []confirm.AuthContext // authentication contexts that the sign-in satisfied
	StepUp    string                // path that signs the person in with an authentication context; "" if there is none
	Session   string                // secret name of the session; a form is valid in the session that it was rendered for, and no other
	SignOut   string                // path of the form that ends the session; "" if there is nothing to end
}

// Event is one entry of a change's history.
type Event struct {
	At   time.Time
	What string // a few words: "Approved by Grace Okafor"
	Note string // one sentence, or ""
	Kind string // "good", "harm", "warn" or "": how it is marked
}

// ChangesConfig configures the pages at /changes.
type ChangesConfig struct {
	Gate   func(ctx context.Context) (*confirm.Gate, error) // an error is shown as "not ready"; its text goes to the log
	Tenant string                                           // shown in the header
	// Authenticate returns who a request comes from. On false it has written the response, such as a page to sign in.
	Authenticate func(w http.ResponseWriter, r *http.Request) (Viewer, bool)
	Base         string                 // prefix of all paths, "" or "/p/RANDOM"
	Hosts        []string               // allowed Host headers, with the port if it has one; empty allows no request
	Secure       bool                   // the public URL is https
	Key          func() ([]byte, error) // the server key, 32 bytes, from which the keys of forms are derived
	// Timeline returns the entries of the audit log about a change, oldest first. Nil shows what the change itself has.
	Timeline func(ctx context.Context, c confirm.Change) ([]Event, error)
	Typed    TypedCredentials // takes the secrets that an approver types
	Log      *slog.Logger     // nil discards all logs
	Now      func() time.Time // nil means time.Now
}

// changesHandler serves the pages.
type changesHandler struct {
	cfg   ChangesConfig
	pages renderer
}

// NewChangesHandler returns a handler of these pages, each below Base:
//
//	GET  /changes             the changes that the viewer may see: open ones, and the history with filters
//	GET  /changes/ID          one change
//	POST /changes/ID          approves or denies it
//	GET  /changes/ID/status   {"version":N}, for the script that reloads a page that is no longer current
//
// A GET changes nothing. It returns an error if cfg lacks Gate, Authenticate or Key.
func NewChangesHandler(cfg ChangesConfig) (http.Handler, error) {
	if cfg.Gate == nil || cfg.Authenticate == nil || cfg.Key == nil {
		return nil, errors.New("change pages: Config.Gate, Config.Authenticate and Config.Key are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	h := &changesHandler{cfg: cfg, pages: renderer{cfg.Log}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+cfg.Base+"/changes", h.showList)
	mux.HandleFunc("GET "+cfg.Base+"/changes/{id}", h.showChange)
	mux.HandleFunc("GET "+cfg.Base+"/changes/{id}/status", h.showStatus)
	mux.HandleFunc("POST "+cfg.Base+"/changes/{id}", h.decide)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { h.showNotFound(w) })
	return guard{
		hosts: cfg.Hosts, secure: cfg.Secure, pages: h.pages, policy: pagePolicy(), maxQuery: maxFilterLen, again: cfg.Base + "/changes",
	}.protect(mux), nil
}

// page is what every page shows around its content.
type page struct {
	Title   string
	Tenant  string
	Base    string
	Viewer  Viewer
	Now     time.Time
	Live    bool  // the page is reloaded when its change moves
	Version int64 // of the change that the page shows; a new change has 0
	Path    string
}

// newPage returns the frame of a page for the viewer.
func (h *changesHandler) newPage(v Viewer, title string) page {
	return page{Title: title, Tenant: h.cfg.Tenant, Base: h.cfg.Base, Viewer: v, Now: h.cfg.Now()}
}

// openRequest returns the viewer and the gate of a request. On false it has written the response.
func (h *changesHandler) openRequest(w http.ResponseWriter, r *http.Request) (Viewer, *confirm.Gate, bool) {
	v, ok := h.cfg.Authenticate(w, r)
	if !ok {
		return Viewer{}, nil, false
	}
	gate, err := h.cfg.Gate(r.Context())
	if err != nil {
		h.showFailure(w, "the change pages are not ready", err)
		return Viewer{}, nil, false
	}
	return v, gate, true
}

// openChange returns what openRequest does, and the change that the path names, if the viewer may see it. On false it
// has written the response. A change that does not exist looks like one that the viewer may not see to people who have
// no part in it.
func (h *changesHandler) openChange(w http.ResponseWriter, r *http.Request) (Viewer, *confirm.Gate, confirm.Change, bool) {
	v, gate, ok := h.openRequest(w, r)
	if !ok {
		return Viewer{}, nil, confirm.Change{}, false
	}
	c, err := gate.Change(r.Context(), r.PathValue("id"))
	if errors.Is(err, confirm.ErrNotFound) {
		h.showNotFound(w)
		return Viewer{}, nil, confirm.Change{}, false
	}
	visible := false
	if err == nil {
		visible, err = gate.CanView(r.Context(), c, v.who())
	}
	switch {
	case err != nil:
		h.showFailure(w, "failed to read a change", err)
	case !visible:
		h.showNotAllowed(w, r, gate, c, v)
	default:
		return v, gate, c, true
	}
	return Viewer{}, nil, confirm.Change{}, false
}

// who returns the viewer as the gate knows them.
func (v Viewer) who() confirm.Viewer { return confirm.Viewer{Principal: v.Principal, Groups: v.Groups} }

// vote returns the viewer's vote on the page.
func (v Viewer) vote(approve bool, reason string) confirm.Vote {
	return confirm.Vote{Principal: v.Principal, Groups: v.Groups, Approve: approve, Reason: reason, Channel: confirm.WebPage, Contexts: v.Contexts}
}

// showNotFound writes a page for an address without a page.
func (h *changesHandler) showNotFound(w http.ResponseWriter) {
	h.pages.renderMessage(w, http.StatusNotFound, "There is no such page", "Look in the list of changes: an ended change is removed after a while.", h.cfg.Base+"/changes")
}

// showFailure writes a page for an error that the viewer did not cause, and logs the cause.
func (h *changesHandler) showFailure(w http.ResponseWriter, what string, err error) {
	h.cfg.Log.Error(what, "error", err)
	h.pages.renderMessage(w, http.StatusServiceUnavailable, "This did not work",
		"Look again in a moment; the page shows what was recorded. If it keeps failing, ask your scanwarden operator: the cause is in the log.", h.cfg.Base+"/changes")
}
