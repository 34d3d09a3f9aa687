package mcpserver

import (
	"errors"
	"io"
	"net/http"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
)

// authenticateRequest authenticates a request and reads its body, or answers it. A stranger's body is read only where nothing but
// the body can tell that they are none.
func (d *handler) authenticateRequest(w http.ResponseWriter, r *http.Request) (who callerIdentity, body []byte, ok bool) {
	late := d.cfg.Authenticator.NeedsBody(r)
	if !late {
		if who, ok = d.authenticateCaller(w, r, nil); !ok {
			return callerIdentity{}, nil, false
		}
	}
	if r.Method == http.MethodPost {
		if body, ok = readBody(w, r); !ok {
			return callerIdentity{}, nil, false
		}
	}
	if late {
		who, ok = d.authenticateCaller(w, r, body)
	}
	return who, body, ok
}

// readBody reads the whole message, for the library would read one without end.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err == nil {
		return body, true
	}
	status := http.StatusBadRequest
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, "the message could not be read, or is larger than 1 MiB", status)
	return nil, false
}

// authenticateCaller authenticates a request, or answers it. The cause of a failure of ours goes to the log alone.
func (d *handler) authenticateCaller(w http.ResponseWriter, r *http.Request, body []byte) (callerIdentity, bool) {
	who, err := d.cfg.Authenticator.Authenticate(r, body)
	if err == nil {
		return callerIdentity{
			principal: who.Principal, groups: who.Groups, agent: who.Agent, session: who.Session, source: confirm.SourceHTTP,
		}, true
	}
	denial, ok := errors.AsType[*auth.Error](err)
	if !ok {
		denial = &auth.Error{
			Status: http.StatusServiceUnavailable, Cause: err,
			Reason: "nobody can be let in right now; an operator finds the cause in the log",
		}
	}
	log := d.server.cfg.Log.With("status", denial.Status, "reason", denial.Reason, "from", r.RemoteAddr)
	if denial.Cause != nil {
		log.ErrorContext(r.Context(), "a caller was not let in", "error", denial.Cause)
	} else {
		log.InfoContext(r.Context(), "a caller was not let in")
	}
	if denial.Challenge != "" {
		w.Header().Set("WWW-Authenticate", denial.Challenge)
	}
	http.Error(w, denial.Reason, denial.Status)
	return callerIdentity{}, false
}
