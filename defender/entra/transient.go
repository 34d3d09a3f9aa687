package entra

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// failureRecorder is a transport that notes the passing failures its requests for tokens meet. MSAL swallows the
// failure of a renewal and tries the user's own token instead; when that one has expired meanwhile, its refusal
// would send the user to sign in again, where it does to wait.
type failureRecorder struct{ http.RoundTripper }

// lastFailure is the last passing failure; nil is none.
type lastFailure struct{ atomic.Pointer[Error] }

// failureKey is the key in a context of the trouble that was met under it.
type failureKey struct{}

func withFailureRecord(ctx context.Context) (context.Context, *lastFailure) {
	t := new(lastFailure)
	return context.WithValue(ctx, failureKey{}, t), t
}

// RoundTrip is that of the transport below, or of the default one.
func (a failureRecorder) RoundTrip(r *http.Request) (*http.Response, error) {
	below := a.RoundTripper
	if below == nil {
		below = http.DefaultTransport
	}
	resp, err := below.RoundTrip(r)
	t, attended := r.Context().Value(failureKey{}).(*lastFailure)
	switch {
	case !attended || r.Method != http.MethodPost: // MSAL does without discovery where it can
	case err != nil:
		t.record(translateCallError(r.Context(), err))
	default:
		// The body is MSAL's to read; a status that passes says enough.
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

// recordedBody is a body that may end before its end.
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
