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

// maxBody bounds the body of a response, in bytes.
const maxBody = 8 << 20

var (
	errTooLarge  = fmt.Errorf("the response is larger than %d MiB", maxBody>>20)
	errAbandoned = errors.New("the request was abandoned before its body was sent")
)

// msgIncomplete is the Message of an error for a response that was cut off.
const msgIncomplete = "the response is incomplete"

// transport sends requests to the service and receives the responses. No other code of the package uses HTTP.
type transport struct {
	base *url.URL
	cfg  Config
	http *http.Client
}

// request is one call of the API.
type request struct {
	op      string // the Op of its errors
	method  string
	path    string
	query   string
	accept  string // "" means application/json
	body    []byte
	write   bool
	actor   Actor    // for whose token
	secrets []string // secrets in the body, which no error must repeat
}

// response is a response of any status.
type response struct {
	status  int
	header  http.Header
	body    []byte
	err     error    // why the body is incomplete, or nil
	secrets []string // texts that no error must repeat
}

// isTokenRefused reports whether a is a 401 for which a new token may help. The service refused the token before it
// handled the request, so sending the request again is safe even for a write.
func (a response) isTokenRefused() bool {
	return a.status == http.StatusUnauthorized && !a.isUnlicensed()
}

// renewalRequest returns the request for a new token, which answers the claims challenge of a if it has one.
func (a response) renewalRequest(actor Actor) TokenRequest {
	return TokenRequest{Actor: actor, Fresh: true, Claims: a.claimsChallenge()}
}

// send waits for the rate limit and a token, and sends c. If the token is refused, it sends c once more with a new token.
func (w *transport) send(ctx context.Context, c request) (response, *Error) {
	a, failed := w.sendOnce(ctx, c, TokenRequest{Actor: c.actor})
	if failed != nil || !a.isTokenRefused() {
		return a, failed
	}
	return w.sendOnce(ctx, c, a.renewalRequest(c.actor))
}

// sendOnce waits for the rate limit and the token that want describes, and sends c.
func (w *transport) sendOnce(ctx context.Context, c request, want TokenRequest) (response, *Error) {
	token, failed := w.acquireToken(ctx, c, want)
	if failed != nil {
		return response{}, failed
	}
	return w.exchange(ctx, c, token)
}

// acquireToken waits for the rate limit and then for a token. A token that was acquired first could expire while waiting.
func (w *transport) acquireToken(ctx context.Context, c request, want TokenRequest) (token string, failed *Error) {
	if w.cfg.RateLimit != nil {
		if err := w.cfg.RateLimit(ctx, c.write); err != nil {
			return "", notSentError(c, "the rate limit did not admit the call to Defender", err)
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

// exchange sends c once, without waiting for anything first, and returns the response.
func (w *transport) exchange(ctx context.Context, c request, token string) (response, *Error) {
	body := &trackedBody{r: bytes.NewReader(c.body)}
	req, err := w.newRequest(ctx, c, token, body)
	if err != nil {
		return response{}, notSentError(c, "the request cannot be built", err)
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

// newRequest returns the HTTP request for c.
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
		// NewRequest would also set GetBody, which lets net/http send a body a second time by itself.
		req.Body, req.ContentLength = body, int64(len(c.body))
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// readResponse returns resp with its body, or with an error if the body is too large or incomplete.
func readResponse(resp *http.Response) response {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if len(body) > maxBody {
		body, err = nil, errTooLarge
	}
	return response{status: resp.StatusCode, header: resp.Header, body: body, err: err}
}

// trackedBody is a request body that records whether it was read. A body that is abandoned before the first Read was not
// sent and never will be, with any HTTP stack. A trace hook would prove this only of a stack that calls the hook.
type trackedBody struct {
	r     *bytes.Reader
	state atomic.Int32
}

const (
	bodyUnread int32 = iota
	bodyRead
	bodyAbandoned
)

// Read implements io.Reader. It returns errAbandoned after abandon.
func (b *trackedBody) Read(p []byte) (int, error) {
	if !b.state.CompareAndSwap(bodyUnread, bodyRead) && b.state.Load() == bodyAbandoned {
		return 0, errAbandoned
	}
	return b.r.Read(p)
}

func (b *trackedBody) Close() error { return nil }

// abandon reports whether the body was not read yet. If so, all later Reads fail.
func (b *trackedBody) abandon() bool { return b.state.CompareAndSwap(bodyUnread, bodyAbandoned) }
