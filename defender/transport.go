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
	kind    CallKind // its priority
	secrets []string // secrets in the body, which no error must repeat
}

// response is a response of any status.
type response struct {
	status  int
	header  http.Header
	body    []byte
	err     error    // why the body is incomplete, or nil
	secrets []string // texts that no error must repeat

	signInAdvice  string // Config.SignInAdvice
	hadCredential bool   // the request had a credential, so nothing that the service wrote is passed on unchecked
}

// isTokenRefused reports whether a is a 401 for which a new token may help. The service refused the token before it
// handled the request, so sending the request again is safe even for a write.
func (resp response) isTokenRefused() bool {
	return resp.status == http.StatusUnauthorized && !resp.isUnlicensed()
}

// renewalRequest returns the request for a new token, which answers the claims challenge of resp if it has one.
func (resp response) renewalRequest(actor Actor) TokenRequest {
	return TokenRequest{Actor: actor, Fresh: true, Claims: resp.claimsChallenge()}
}

// send waits for the rate limit and a token, and sends r. If the token is refused, it sends r once more with a new token.
func (t *transport) send(ctx context.Context, r request) (response, *Error) {
	resp, failed := t.sendOnce(ctx, r, TokenRequest{Actor: r.actor})
	if failed != nil || !resp.isTokenRefused() {
		return resp, failed
	}
	return t.sendOnce(ctx, r, resp.renewalRequest(r.actor))
}

// sendOnce waits for the rate limit and the token that want describes, and sends r.
func (t *transport) sendOnce(ctx context.Context, r request, want TokenRequest) (response, *Error) {
	token, failed := t.acquireToken(ctx, r, want)
	if failed != nil {
		return response{}, failed
	}
	return t.exchange(ctx, r, token)
}

// acquireToken waits for the rate limit and then for a token. A token that was acquired first could expire while waiting.
func (t *transport) acquireToken(ctx context.Context, r request, want TokenRequest) (token string, failed *Error) {
	if t.cfg.RateLimit != nil {
		if err := t.cfg.RateLimit(ctx, Call{Actor: r.actor, Kind: r.kind}); err != nil {
			return "", notSentError(r, "the rate limit did not admit the call to Defender", err)
		}
	}
	token, err := t.cfg.Token(ctx, want)
	if err == nil && token == "" {
		err = errors.New("the token is empty")
	}
	if err != nil {
		return "", notSentError(r, "no token for Defender", err)
	}
	return token, nil
}

// exchange sends r once, without waiting for anything first, and returns the response.
func (t *transport) exchange(ctx context.Context, r request, token string) (response, *Error) {
	body := &trackedBody{r: bytes.NewReader(r.body)}
	req, err := t.newRequest(ctx, r, token, body)
	if err != nil {
		return response{}, notSentError(r, "the request cannot be built", err)
	}
	httpResp, err := t.http.Do(req)
	if err != nil {
		return response{}, transportError(r, body.abandon(), err)
	}
	defer httpResp.Body.Close()
	resp := readResponse(httpResp)
	resp.signInAdvice = t.cfg.SignInAdvice
	resp.secrets, resp.hadCredential = append([]string{token}, r.secrets...), len(r.secrets) > 0
	if resp.status == http.StatusTooManyRequests && t.cfg.OnThrottled != nil {
		now := time.Now()
		t.cfg.OnThrottled(ctx, now.Add(retryAfter(resp, now)))
	}
	return resp, nil
}

// newRequest returns the HTTP request for r.
func (t *transport) newRequest(ctx context.Context, r request, token string, body *trackedBody) (*http.Request, error) {
	u := url.URL{Scheme: t.base.Scheme, Host: t.base.Host, Path: r.path, RawQuery: r.query}
	httpReq, err := http.NewRequestWithContext(ctx, r.method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	httpReq.Header.Set("Authorization", "Bearer "+token)
	httpReq.Header.Set("Accept", cmp.Or(r.accept, "application/json"))
	httpReq.Header.Set("User-Agent", t.cfg.UserAgent)
	if r.body != nil {
		// NewRequest would also set GetBody, which lets net/http send a body a second time by itself.
		httpReq.Body, httpReq.ContentLength = body, int64(len(r.body))
		httpReq.Header.Set("Content-Type", "application/json")
	}
	return httpReq, nil
}

// readResponse returns resp with its body, or with an error if the body is too large or incomplete.
func readResponse(httpResp *http.Response) response {
	body, err := io.ReadAll(io.LimitReader(httpResp.Body, maxBody+1))
	if len(body) > maxBody {
		body, err = nil, errTooLarge
	}
	return response{status: httpResp.StatusCode, header: httpResp.Header, body: body, err: err}
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
