package defender

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// maxBody bounds the body of an answer, in bytes.
const maxBody = 8 << 20

var (
	errTooLarge  = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	errAbandoned = errors.New("the request was given up before its body was sent")
)

// transport carries calls to the service and answers back. It is the only code here that speaks HTTP.
type transport struct {
	base *url.URL
	cfg  Config
	http *http.Client
}

// request is one call of an operation.
type request struct {
	op      string // as an Error names it
	method  string
	path    string
	query   string
	accept  string // "" means application/json
	body    []byte
	write   bool
	actor   Actor    // on whose behalf it is made
	secrets []string // secrets in the body, which no error may repeat
}

// response is what came back, whatever its status. err says that the body did not arrive whole.
type response struct {
	status  int
	header  http.Header
	body    []byte
	err     error
	secrets []string
}

// isTokenRefused reports whether a is a 401 that a new token may cure. The service refused the caller before it
// looked at the request, so that sending it again is safe for a write too.
func (a response) isTokenRefused() bool {
	return a.status == http.StatusUnauthorized && !a.isUnlicensed()
}

// renewalRequest returns the request for the token that answers a's challenge, if there is one.
func (a response) renewalRequest(actor Actor) TokenRequest {
	return TokenRequest{Actor: actor, Fresh: true, Claims: a.claimsChallenge()}
}

// send waits for its turn and for a token, and makes the call. A refused token is renewed once.
func (w *transport) send(ctx context.Context, c request) (response, *Error) {
	a, failed := w.sendOnce(ctx, c, TokenRequest{Actor: c.actor})
	if failed != nil || !a.isTokenRefused() {
		return a, failed
	}
	return w.sendOnce(ctx, c, a.renewalRequest(c.actor))
}

func (w *transport) sendOnce(ctx context.Context, c request, want TokenRequest) (response, *Error) {
	token, failed := w.acquireToken(ctx, c, want)
	if failed != nil {
		return response{}, failed
	}
	return w.exchange(ctx, c, token)
}

// acquireToken waits for the call's turn and then for a token, which could expire in the queue.
func (w *transport) acquireToken(ctx context.Context, c request, want TokenRequest) (token string, failed *Error) {
	if w.cfg.RateLimit != nil {
		if err := w.cfg.RateLimit(ctx, c.write); err != nil {
			return "", notSentError(c, "no turn to call Defender", err)
		}
	}
	token, err := w.cfg.Token(ctx, want)
	if err == nil && token == "" {
		err = errors.New("the token is empty")
	}
	if err != nil {
		return "", notSentError(c, "no token for Defender", err)
	}
	return token, nil
}

// exchange sends the request and receives its answer, once and without any wait before it.
func (w *transport) exchange(ctx context.Context, c request, token string) (response, *Error) {
	body := &trackedBody{r: bytes.NewReader(c.body)}
	req, err := w.newRequest(ctx, c, token, body)
	if err != nil {
		return response{}, notSentError(c, "the request cannot be made", err)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return response{}, transportError(c, body.abandon(), err)
	}
	defer resp.Body.Close()
	a := readResponse(resp)
	a.secrets = append([]string{token}, c.secrets...)
	if a.status == http.StatusTooManyRequests && w.cfg.OnThrottled != nil {
		now := time.Now()
		w.cfg.OnThrottled(ctx, now.Add(retryAfter(a, now)))
	}
	return a, nil
}

func (w *transport) newRequest(ctx context.Context, c request, token string, body *trackedBody) (*http.Request, error) {
	u := url.URL{Scheme: w.base.Scheme, Host: w.base.Host, Path: c.path, RawQuery: c.query}
	req, err := http.NewRequestWithContext(ctx, c.method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", cmp.Or(c.accept, "application/json"))
	req.Header.Set("User-Agent", w.cfg.UserAgent)
	if c.body != nil {
		// Set by hand rather than through NewRequest, which would also set GetBody, and GetBody is what lets
		// net/http send a body a second time by itself.
		req.Body, req.ContentLength = body, int64(len(c.body))
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func readResponse(resp *http.Response) response {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if len(body) > maxBody {
		body, err = nil, errTooLarge
	}
	return response{status: resp.StatusCode, header: resp.Header, body: body, err: err}
}

// trackedBody is a request body that knows whether anybody has begun to read it. Sealing it before that proves
// that it neither left this machine nor ever will, however the HTTP stack beneath is built; a trace hook would
// prove it only of a stack that calls the hook.
type trackedBody struct {
	r     *bytes.Reader
	state atomic.Int32
}

const (
	bodyUnread int32 = iota
	bodyRead
	bodyAbandoned
)

func (b *trackedBody) Read(p []byte) (int, error) {
	if !b.state.CompareAndSwap(bodyUnread, bodyRead) && b.state.Load() == bodyAbandoned {
		return 0, errAbandoned
	}
	return b.r.Read(p)
}

func (b *trackedBody) Close() error { return nil }

// abandon forbids the first Read and reports whether it came in time.
func (b *trackedBody) abandon() bool { return b.state.CompareAndSwap(bodyUnread, bodyAbandoned) }
