package mcpserver

import (
	"errors"
	"io"
	"net/http"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
	"scanwarden/tools/mcpserver/internal/limits"
)

// admission is a request that may be served. release must be called when the request has ended, also if it was refused.
type admission struct {
	caller   callerIdentity
	body     []byte
	releases []func() // free what the request occupies
}

func (a *admission) release() {
	for _, free := range a.releases {
		free()
	}
}

// admitRequest returns the caller and the body of a request. If it returns false, it has answered the request with an
// error. The body is read before the caller is known only if the Authenticator needs it.
func (h *httpHandler) admitRequest(w http.ResponseWriter, r *http.Request) (a *admission, ok bool) {
	a = &admission{}
	bodyFirst := h.cfg.Authenticator.NeedsBody(r)
	if bodyFirst {
		release, err := h.addresses.Acquire(remoteAddress(r), limits.UnauthenticatedBytes, messageSize(r))
		if err != nil {
			h.refuseAddress(w, r, err)
			return a, false
		}
		a.releases = append(a.releases, release)
		if a.body, ok = readBody(w, r); !ok {
			return a, false
		}
	}
	if a.caller, ok = h.authenticateCaller(w, r, a.body); !ok {
		return a, false
	}
	if err := h.server.occupyRequest(a, messageSize(r)); err != nil {
		h.refuseLimited(w, r.WithContext(withCaller(r.Context(), a.caller)), err)
		return a, false
	}
	if !bodyFirst && r.Method == http.MethodPost {
		a.body, ok = readBody(w, r)
	}
	return a, ok
}

// messageSize returns the bytes that the body of a request can have. It is not known beforehand for a chunked body.
func messageSize(r *http.Request) int {
	if r.ContentLength < 0 || r.ContentLength > maxMessage {
		return maxMessage
	}
	return int(r.ContentLength)
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
	if limited := h.addresses.Take(remoteAddress(r), limits.Unauthenticated, 1); limited != nil {
		h.refuseAddress(w, r, limited)
		return callerIdentity{}, false
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
