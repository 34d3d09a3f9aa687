package defender

import (
	"context"
	"errors"
)

// The writes, as the Op of an Error.
const (
	opAdd    = "add scan"
	opUpdate = "update scan"
	opDelete = "delete scans"
)

// Writer sends writes. It can change every scan of the tenant, so pass it only to the code that runs confirmed changes. A
// Writer is safe for concurrent use.
type Writer struct{ transport *transport }

// NewWriter returns a Writer, or an error that names the setting to correct. It sends nothing.
func NewWriter(cfg Config) (*Writer, error) {
	w, err := cfg.newTransport(false)
	if err != nil {
		return nil, err
	}
	return &Writer{transport: w}, nil
}

// Prepare waits for the rate limit and for a token of actor, and returns the write ready to be sent. A non-nil auth
// replaces the credential reference in the body. Prepare sends nothing. Its error is an [ErrNotSent], also if write is
// none of the three forms or auth is not the credential that it refers to.
func (w *Writer) Prepare(ctx context.Context, actor Actor, write Write, auth *Authentication) (*Prepared, error) {
	r, err := write.newRequest(auth)
	if err != nil {
		return nil, err
	}
	r.actor = actor
	token, failed := w.transport.acquireToken(ctx, r, TokenRequest{Actor: actor})
	if failed != nil {
		return nil, failed
	}
	return &Prepared{transport: w.transport, request: r, token: token}, nil
}

// Prepared is a write that has passed the rate limit and has a token. A caller can thus make its last check directly
// before [Prepared.Send], with no wait in between. It is for one goroutine.
type Prepared struct {
	transport *transport
	request   request
	token     string        // "" after it was sent
	renewal   *TokenRequest // the token that Renew requests; set after the first refusal
	renewed   bool
}

// Send sends the write once, byte for byte, and returns the receipt. It never retries. The id in the receipt may differ
// from the one in the path, as it does in Microsoft's own example.
//
// The error is [ErrNotSent] if the write was certainly not sent, and [ErrUncertain] if it was sent and no response proves
// the outcome. It is [ErrTokenRefused] if Defender refused the token and changed nothing; the caller may then call
// [Prepared.Renew]. Any other error means that Defender refused the write.
func (p *Prepared) Send(ctx context.Context) (Receipt, error) {
	if p.token == "" {
		return Receipt{}, notSentError(p.request, "it was already sent", nil)
	}
	token := p.token
	p.token = ""
	resp, failed := p.transport.exchange(ctx, p.request, token)
	if failed != nil {
		return Receipt{}, failed
	}
	if resp.isTokenRefused() && !p.renewed {
		want := resp.renewalRequest(p.request.actor)
		p.renewal = &want
		return Receipt{}, tokenRefusedError(p.request, resp)
	}
	receipt, failed := receiptOf(p.request, resp)
	if failed != nil {
		return Receipt{}, failed
	}
	return receipt, nil
}

// Renew waits for the rate limit and a new token after an [ErrTokenRefused], so that Send may be called once more. The
// caller must repeat the checks that it made before the first Send. The error is an [ErrNotSent].
func (p *Prepared) Renew(ctx context.Context) error {
	if p.renewal == nil {
		return notSentError(p.request, "no token was refused", nil)
	}
	token, failed := p.transport.acquireToken(ctx, p.request, *p.renewal)
	if failed != nil {
		return failed
	}
	p.token, p.renewal, p.renewed = token, nil, true
	return nil
}

// tokenRefusedError returns the Error for a 401 after which the token may be renewed.
func tokenRefusedError(r request, resp response) *Error {
	e := responseError(r, resp)
	e.cause = errors.Join(ErrTokenRefused, e.cause)
	return e
}

// newRequest returns the request for w with the credential auth, or an [ErrNotSent] if w must not be sent.
func (w Write) newRequest(auth *Authentication) (request, error) {
	r := request{op: w.operation(), method: w.Method, path: w.Path, write: true, kind: WriteCall}
	if r.op == "" {
		r.op = "write"
		e := notSentError(r, "the method and path are not those of an add, an update or a delete", nil)
		e.Next = "create the write with AddScan, UpdateScan or DeleteScans"
		return request{}, e
	}
	body, err := substituteCredential(w.Body, auth)
	if err != nil {
		e := notSentError(r, "the change cannot be sent as it was confirmed", err)
		e.Next = "propose it again, so that it is planned with the current credential"
		return request{}, e
	}
	r.body = body
	if auth != nil {
		r.secrets = auth.secrets()
	}
	return r, nil
}
