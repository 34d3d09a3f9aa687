package entra

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// attentive is a transport that notes the passing failures its requests for tokens meet. MSAL swallows the
// failure of a renewal and tries the user's own token instead; when that one has expired meanwhile, its refusal
// would send the user to sign in again, where it does to wait.
type attentive struct{ http.RoundTripper }

// trouble is the last passing failure; nil is none.
type trouble struct{ atomic.Pointer[Error] }

// met is the key in a context of the trouble that was met under it.
type met struct{}

func attending(ctx context.Context) (context.Context, *trouble) {
	t := new(trouble)
	return context.WithValue(ctx, met{}, t), t
}

// RoundTrip is that of the transport below, or of the default one.
func (a attentive) RoundTrip(r *http.Request) (*http.Response, error) {
	below := a.RoundTripper
	if below == nil {
		below = http.DefaultTransport
	}
	resp, err := below.RoundTrip(r)
	t, attended := r.Context().Value(met{}).(*trouble)
	switch {
	case !attended || r.Method != http.MethodPost: // MSAL does without discovery where it can
	case err != nil:
		t.note(explainIn(r.Context(), err))
	default:
		// The body is MSAL's to read; a status that passes says enough.
		t.note(explainAnswer(&http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody}))
		resp.Body = attendedBody{resp.Body, t}
	}
	return resp, err
}

func (t *trouble) note(problem *Error) {
	if problem.Temporary {
		t.Store(problem)
	}
}

// attendedBody is a body that may end before its end.
type attendedBody struct {
	io.ReadCloser
	trouble *trouble
}

func (b attendedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.trouble.note(explain(err))
	}
	return n, err
}
