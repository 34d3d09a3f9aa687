package defendertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Control returns a handler for users of the simulator, beside the API. Bodies are JSON:
//
//	POST   /simulator/faults      add a [Fault], names in camelCase, delay as "2s"
//	DELETE /simulator/faults      remove all faults
//	GET    /simulator/writes      the writes so far, as [Server.Writes]
//	GET    /simulator/calls       all calls so far, as [Server.Calls]
//	GET    /simulator/scans       the definitions as stored, secrets included
//	POST   /simulator/scans/{id}  change fields of one, as [Server.Edit]
//	DELETE /simulator/scans/{id}  delete one, as [Server.Remove]
//
// It shows what was sent to the tenant, credentials included, but no bearer token. It has no authentication, so serve it
// on loopback only. Web pages of other origins are refused.
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /simulator/faults", s.handleAddFault)
	mux.HandleFunc("DELETE /simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /simulator/writes", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, callViews(s.Writes())) })
	mux.HandleFunc("GET /simulator/calls", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, callViews(s.Calls())) })
	mux.HandleFunc("GET /simulator/scans", s.handleShowScans)
	mux.HandleFunc("POST /simulator/scans/{id}", s.handleEditScan)
	mux.HandleFunc("DELETE /simulator/scans/{id}", s.handleRemoveScan)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (s *Server) handleAddFault(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Fault
		Delay string `json:"delay"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&order); err != nil {
		http.Error(w, "send one fault as JSON, such as {\"path\":\"BatchDelete\",\"status\":500}: "+err.Error(), http.StatusBadRequest)
		return
	}
	if order.Delay != "" {
		delay, err := time.ParseDuration(order.Delay)
		if err != nil {
			http.Error(w, "write delay as a duration, such as \"2s\": "+err.Error(), http.StatusBadRequest)
			return
		}
		order.Fault.Delay = delay
	}
	if order.Status != 0 && (order.Status < 200 || order.Status > 599) {
		http.Error(w, "choose a status between 200 and 599", http.StatusBadRequest)
		return
	}
	s.Fail(order.Fault)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) handleShowScans(w http.ResponseWriter, _ *http.Request) {
	scans := s.Scans()
	rows := make([]orderedObject, len(scans))
	for i, scan := range scans {
		rows[i] = orderMembers(scan, listedFields)
	}
	writeJSON(w, rows)
}

func (s *Server) handleEditScan(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "send at most 1 MiB: "+err.Error(), http.StatusBadRequest)
		return
	}
	fields, err := parseObject(body)
	if err != nil {
		http.Error(w, "send the fields to change as a JSON object, such as {\"isActive\":false}: "+err.Error(), http.StatusBadRequest)
		return
	}
	writeEdited(w, r, s.editScan(r.PathValue("id"), fields))
}

func (s *Server) handleRemoveScan(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	removed := s.removeScans(r.PathValue("id"))
	s.mu.Unlock()
	writeEdited(w, r, removed > 0)
}

// writeEdited responds with 204, or with 404 if the scan was not found.
func writeEdited(w http.ResponseWriter, r *http.Request, found bool) {
	if !found {
		http.Error(w, fmt.Sprintf("there is no scan definition %q; GET /simulator/scans lists them", r.PathValue("id")), http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// callView is the JSON form of a [Call].
type callView struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Query  url.Values  `json:"query,omitempty"`
	Header http.Header `json:"header"`
	Body   any         `json:"body,omitempty"` // JSON, or text if it is not JSON
	Status int         `json:"status"`
}

// callViews returns the JSON form of calls, without bearer tokens.
func callViews(calls []Call) []callView {
	list := make([]callView, len(calls))
	for i, c := range calls {
		list[i] = callView{c.Method, c.Path, c.Query, c.Header, nil, c.Status}
		if c.Header.Get("Authorization") != "" {
			c.Header.Set("Authorization", "(hidden)")
		}
		if json.Valid(c.Body) {
			list[i].Body = json.RawMessage(c.Body)
		} else if len(c.Body) > 0 {
			list[i].Body = string(c.Body)
		}
	}
	return list
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // fails only if the caller disconnected
}
