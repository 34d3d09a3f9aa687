package defender

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// Limits on retries of a read.
const (
	maxTries     = 4
	maxRetryWait = 2 * time.Minute // the caller decides about longer ones
	firstBackoff = 500 * time.Millisecond
)

// Client reads from Defender. It has no method that changes anything, and it is safe for concurrent use.
//
// A read is retried, up to four tries in all, if there is no response or its status is 429, 500, 502, 503 or 504. It
// waits as long as Defender asks for, or else with exponential backoff. If the wait is over two minutes or past ctx's
// deadline, the read returns the error instead. Every error is an [*Error].
type Client struct {
	transport *transport
	kind      CallKind
}

// ForCalls returns a Client whose requests are of the given kind. New returns one for [ReadCall].
func (c *Client) ForCalls(kind CallKind) *Client { return &Client{transport: c.transport, kind: kind} }

// New returns a Client, or an error that names the setting to correct. It sends nothing.
func New(cfg Config) (*Client, error) {
	w, err := cfg.newTransport(true)
	if err != nil {
		return nil, err
	}
	return &Client{transport: w}, nil
}

// readWithRetry returns a response with status 200 and a whole body.
func (c *Client) readWithRetry(ctx context.Context, r request) (response, error) {
	for try := 1; ; try++ {
		resp, failed := c.readOnce(ctx, r)
		if failed == nil {
			return resp, nil
		}
		wait := failed.RetryAfter
		if wait == 0 {
			wait = backoffDelay(try)
		}
		if !failed.transient || try == maxTries || !fitsDeadline(ctx, wait) {
			return response{}, failed
		}
		if err := c.transport.cfg.sleep(ctx, wait); err != nil {
			failed.cause = err
			return response{}, failed
		}
	}
}

// readOnce makes one try of a read.
func (c *Client) readOnce(ctx context.Context, r request) (response, *Error) {
	r.kind = c.kind
	resp, failed := c.transport.send(ctx, r)
	switch {
	case failed != nil:
		return response{}, failed
	case resp.status != http.StatusOK:
		return response{}, responseError(r, resp)
	case resp.err != nil:
		return response{}, bodyError(r, resp, msgIncomplete, resp.err)
	}
	return resp, nil
}

// backoffDelay returns the wait after a try, counted from 1. It doubles with every try, with a random part of plus or minus
// a half, so that callers do not all retry at the same time.
func backoffDelay(try int) time.Duration {
	d := firstBackoff << (try - 1)
	return d/2 + rand.N(d)
}

// fitsDeadline reports whether a wait is within maxRetryWait and ends before ctx's deadline.
func fitsDeadline(ctx context.Context, wait time.Duration) bool {
	deadline, bound := ctx.Deadline()
	return wait <= maxRetryWait && (!bound || time.Until(deadline) > wait)
}
