package mcpserver

import (
	"errors"
	"io"
	"net/http"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
)

// admit authenticates a request and reads its body, or answers it. A stranger's body is read only where nothing but
// the body can tell that they are none.
func (d *door) admit(w http.ResponseWriter, r *http.Request) (who caller, body []byte, ok bool) {
	late := d.cfg.Authenticator.NeedsBody(r)
	if !late {
		if who, ok = d.caller(w, r, nil); !ok {
			return caller{}, nil, false
		}
	}
	if r.Method == http.MethodPost {
		if body, ok = readMessage(w, r); !ok {
			return caller{}, nil, false
		}
	}
	if late {
		who, ok = d.caller(w, r, body)
	}
	return who, body, ok
}

// readMessage reads the whole message, for the library would read one without end.
func readMessage(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
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

// caller authenticates a request, or answers it. The cause of a failure of ours goes to the log alone.
func (d *door) caller(w http.ResponseWriter, r *http.Request, body []byte) (caller, bool) {
	who, err := d.cfg.Authenticator.Authenticate(r, body)
	if err == nil {
		return caller{
			principal: who.Principal, groups: who.Groups, agent: who.Agent, session: who.Session, via: confirm.SourceHTTP,
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
	return caller{}, false
}
