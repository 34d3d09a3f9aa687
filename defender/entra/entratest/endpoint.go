package entratest

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

const maxBody = 1 << 20 // bytes of a request

// call is one request and what the fake records about it.
type call struct {
	*http.Request
	form   url.Values // of the body, or of the query for a GET
	base   string     // the authority as the caller spells it, https://HOST
	record *Request
	code   int // AADSTS code of the refusal, or 0
	number int // of the token request, from 1; 0 for other requests
}

// page is an answer for a browser instead of JSON.
type page struct {
	status   int
	location string
	html     string
}

// endpoint returns the handler of one endpoint. It records the request, applies a [Fault], checks the tenant
// and sends what handle returns, a JSON value or a page. handle runs with s.mu held.
func (s *Server) endpoint(handle func(*call) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "the form cannot be read", http.StatusBadRequest)
			return
		}
		c := &call{Request: r, form: r.Form, base: "https://" + r.Host}
		if r.Method == http.MethodPost {
			c.form = r.PostForm // a secret in the query is ignored
		}
		s.recordRequest(c)
		if s.applyFault(w, c, s.takeFault(r.URL.Path)) {
			return
		}
		status, answer := s.runHandler(c, handle)
		s.recordAnswer(c, status)
		s.writeAnswer(w, status, answer)
	})
}

// runHandler returns the status and the content of the answer.
func (s *Server) runHandler(c *call, handle func(*call) (any, error)) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.checkTenant(c)
	var answer any
	if err == nil {
		answer, err = handle(c)
	}
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		c.code = refused.code
		return refused.status, s.refusalBody(c, refused)
	}
	if p, ok := answer.(page); ok {
		return p.status, p
	}
	return http.StatusOK, answer
}

// refusalBody returns the JSON body of a refusal. The caller holds s.mu.
func (s *Server) refusalBody(c *call, r *refusal) object {
	correlation := cmp.Or(s.options.CorrelationID, c.Header.Get("client-request-id"), deriveGUID(s.nextID("correlation")))
	return r.jsonBody(s.currentTime(), deriveGUID(s.nextID("trace")), correlation)
}

// handleUnknown serves every path that Entra ID does not have, so that requests to it are recorded.
func (s *Server) handleUnknown(*call) (any, error) {
	return page{status: http.StatusNotFound, html: "<!doctype html><title>Not found</title>"}, nil
}

// checkTenant refuses any tenant but the fake's own. The caller holds s.mu.
func (s *Server) checkTenant(c *call) error {
	tenant := c.PathValue("tenant")
	if tenant == "" || strings.EqualFold(tenant, s.options.Tenant) {
		return nil
	}
	word := "invalid_request"
	if strings.HasSuffix(c.URL.Path, "/openid-configuration") {
		word = "invalid_tenant"
	}
	return newRefusal(http.StatusBadRequest, word, 90002, "Tenant '"+tenant+"' not found.")
}

func (s *Server) writeAnswer(w http.ResponseWriter, status int, answer any) {
	s.setDate(w)
	h := w.Header()
	h.Set("Cache-Control", "no-store, no-cache")
	if p, ok := answer.(page); ok {
		if p.location != "" {
			h.Set("Location", p.location)
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(p.html)) // a caller that went away needs no answer
		return
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// setDate sets the Date header to Entra ID's clock. net/http does not overwrite it.
func (s *Server) setDate(w http.ResponseWriter) {
	s.mu.Lock()
	now := s.currentTime()
	s.mu.Unlock()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
}
