package mcpserver

import (
	"errors"
	"io"
	"net/http"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
)

// authenticateRequest returns the caller and the body of a request. If it returns false, it has answered the
// request with an error. The body is read before the caller is known only if the Authenticator needs it.
func (h *httpHandler) authenticateRequest(w http.ResponseWriter, r *http.Request) (caller callerIdentity, body []byte, ok bool) {
	bodyFirst := h.cfg.Authenticator.NeedsBody(r)
	if !bodyFirst {
		if caller, ok = h.authenticateCaller(w, r, nil); !ok {
			return callerIdentity{}, nil, false
		}
	}
	if r.Method == http.MethodPost {
		if body, ok = readBody(w, r); !ok {
			return callerIdentity{}, nil, false
		}
	}
	if bodyFirst {
		caller, ok = h.authenticateCaller(w, r, body)
	}
	return caller, body, ok
}

// readBody returns the body of a request, at most maxMessage bytes: the library would read one of any length. If it
// returns false, it has answered the request with an error.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err == nil {
		return body, true
	}
	status := http.StatusBadRequest
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, "the message cannot be read, or is larger than 1 MiB", status)
	return nil, false
}

// authenticateCaller returns the caller of a request. If it returns false, it has answered the request with an
// error. The cause of an internal failure is written only to the log.
func (h *httpHandler) authenticateCaller(w http.ResponseWriter, r *http.Request, body []byte) (callerIdentity, bool) {
	caller, err := h.cfg.Authenticator.Authenticate(r, body)
	if err == nil {
		return callerIdentity{
			principal: caller.Principal, groups: caller.Groups, agent: caller.Agent, session: caller.Session, source: confirm.SourceHTTP,
		}, true
	}
	authErr, ok := errors.AsType[*auth.Error](err)
	if !ok {
		authErr = &auth.Error{
			Status: http.StatusServiceUnavailable, Cause: err,
			Reason: "this server cannot authenticate callers now; its operator finds the cause in the log",
		}
	}
	log := h.server.cfg.Log.With("status", authErr.Status, "reason", authErr.Reason, "from", r.RemoteAddr)
	if authErr.Cause != nil {
		log.ErrorContext(r.Context(), "a request was not authenticated", "error", authErr.Cause)
	} else {
		log.InfoContext(r.Context(), "a request was not authenticated")
	}
	if authErr.Challenge != "" {
		w.Header().Set("WWW-Authenticate", authErr.Challenge)
	}
	http.Error(w, authErr.Reason, authErr.Status)
	return callerIdentity{}, false
}
