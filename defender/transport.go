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

// maxAnswer bounds the body of an answer, in bytes.
const maxAnswer = 8 << 20

var (
	errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	errSealed   = errors.New("the request was given up before its body was sent")
)

// wire carries calls to the service and answers back. It is the only code here that speaks HTTP.
type wire struct {
	base *url.URL
	cfg  Config
	http *http.Client
}

// call is one call of an operation.
type call struct {
	op     string // as an Error names it
	method string
	path   string
	query  string
	accept string // "" means application/json
	body   []byte
	write  bool
	by     Actor    // on whose behalf it is made
	hide   []string // secrets in the body, which no error may repeat
}

// answer is what came back, whatever its status. err says that the body did not arrive whole.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
	hide   []string
}

// refusesToken reports whether a is a 401 that a new token may cure. The service refused the caller before it
// looked at the request, so that sending it again is safe for a write too.
func (a answer) refusesToken() bool { return a.status == http.StatusUnauthorized && !a.unlicensed() }

// renewal returns the request for the token that answers a's challenge, if there is one.
func (a answer) renewal(by Actor) TokenRequest {
	return TokenRequest{Actor: by, Fresh: true, Claims: a.challenge()}
}

// send waits for its turn and for a token, and makes the call. A refused token is renewed once.
func (w *wire) send(ctx context.Context, c call) (answer, *Error) {
	a, failed := w.sendOnce(ctx, c, TokenRequest{Actor: c.by})
	if failed != nil || !a.refusesToken() {
		return a, failed
	}
	return w.sendOnce(ctx, c, a.renewal(c.by))
}

func (w *wire) sendOnce(ctx context.Context, c call, want TokenRequest) (answer, *Error) {
	token, failed := w.admit(ctx, c, want)
	if failed != nil {
		return answer{}, failed
	}
	return w.exchange(ctx, c, token)
}

// admit waits for the call's turn and then for a token, which could expire in the queue.
func (w *wire) admit(ctx context.Context, c call, want TokenRequest) (token string, failed *Error) {
	if w.cfg.RateLimit != nil {
		if err := w.cfg.RateLimit(ctx, c.write); err != nil {
			return "", unsent(c, "no turn to call Defender", err)
		}
	}
	token, err := w.cfg.Token(ctx, want)
	if err == nil && token == "" {
		err = errors.New("the token is empty")
	}
	if err != nil {
		return "", unsent(c, "no token for Defender", err)
	}
	return token, nil
}

// exchange sends the request and receives its answer, once and without any wait before it.
func (w *wire) exchange(ctx context.Context, c call, token string) (answer, *Error) {
	body := &sealableBody{r: bytes.NewReader(c.body)}
	req, err := w.request(ctx, c, token, body)
	if err != nil {
		return answer{}, unsent(c, "the request cannot be made", err)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return answer{}, unanswered(c, body.seal(), err)
	}
	defer resp.Body.Close()
	a := receive(resp)
	a.hide = append([]string{token}, c.hide...)
	if a.status == http.StatusTooManyRequests && w.cfg.OnThrottled != nil {
		now := time.Now()
		w.cfg.OnThrottled(ctx, now.Add(retryAfter(a, now)))
	}
	return a, nil
}

func (w *wire) request(ctx context.Context, c call, token string, body *sealableBody) (*http.Request, error) {
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

func receive(resp *http.Response) answer {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if len(body) > maxAnswer {
		body, err = nil, errTooLarge
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body, err: err}
}

// sealableBody is a request body that knows whether anybody has begun to read it. Sealing it before that proves
// that it neither left this machine nor ever will, however the HTTP stack beneath is built; a trace hook would
// prove it only of a stack that calls the hook.
type sealableBody struct {
	r     *bytes.Reader
	state atomic.Int32
}

const (
	bodyUnread int32 = iota
	bodyRead
	bodySealed
)

func (b *sealableBody) Read(p []byte) (int, error) {
	if !b.state.CompareAndSwap(bodyUnread, bodyRead) && b.state.Load() == bodySealed {
		return 0, errSealed
	}
	return b.r.Read(p)
}

func (b *sealableBody) Close() error { return nil }

// seal forbids the first Read and reports whether it came in time.
func (b *sealableBody) seal() bool { return b.state.CompareAndSwap(bodyUnread, bodySealed) }
