package entra

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// failureRecorder is a transport that records the temporary failures of token requests. MSAL hides the failure
// of a renewal and tries the user's own token instead. If that has expired meanwhile, its refusal would send
// the user to sign in again, where waiting is enough.
type failureRecorder struct{ http.RoundTripper }

// lastFailure is the last temporary failure; nil means none.
type lastFailure struct{ atomic.Pointer[Error] }

// failureKey is the context key of the lastFailure under a context.
type failureKey struct{}

// withFailureRecord returns a context and the last temporary failure of token requests under it.
func withFailureRecord(ctx context.Context) (context.Context, *lastFailure) {
	t := new(lastFailure)
	return context.WithValue(ctx, failureKey{}, t), t
}

// RoundTrip sends r with the wrapped transport, or with the default one if that is nil.
func (a failureRecorder) RoundTrip(r *http.Request) (*http.Response, error) {
	below := a.RoundTripper
	if below == nil {
		below = http.DefaultTransport
	}
	resp, err := below.RoundTrip(r)
	t, attended := r.Context().Value(failureKey{}).(*lastFailure)
	switch {
	case !attended || r.Method != http.MethodPost: // MSAL recovers from failed discovery requests where it can
	case err != nil:
		t.record(translateCallError(r.Context(), err))
	default:
		// Only MSAL reads the body; a transient status is enough here.
		t.record(responseError(&http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody}))
		resp.Body = recordedBody{resp.Body, t}
	}
	return resp, err
}

func (t *lastFailure) record(problem *Error) {
	if problem.Temporary {
		t.Store(problem)
	}
}

// recordedBody records a connection that breaks while the body is read.
type recordedBody struct {
	io.ReadCloser
	failure *lastFailure
}

func (b recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.failure.record(translateError(err))
	}
	return n, err
}
