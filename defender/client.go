package defender

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// Limits on trying a read again.
const (
	maxTries     = 4
	maxRetryWait = 2 * time.Minute // a longer one is the caller's to decide
	firstBackoff = 500 * time.Millisecond
)

// Client reads from Defender; it has no method that changes anything. A read that fails for a passing reason (no
// answer, 429, 500, 502, 503, 504) is tried four times at most, each time waiting as long as Defender asked
// for, or longer and longer. A wait over two minutes, or past ctx's deadline, is not begun: the error is returned
// instead. Every error is an [*Error]. A Client is safe for concurrent use.
type Client struct{ transport *transport }

// New returns a Client, or an error that names the setting to correct. It sends nothing.
func New(cfg Config) (*Client, error) {
	w, err := cfg.newTransport(true)
	if err != nil {
		return nil, err
	}
	return &Client{transport: w}, nil
}

// readWithRetry returns the body of a 200.
func (c *Client) readWithRetry(ctx context.Context, r request) (response, error) {
	for try := 1; ; try++ {
		a, failed := c.readOnce(ctx, r)
		if failed == nil {
			return a, nil
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

func (c *Client) readOnce(ctx context.Context, r request) (response, *Error) {
	a, failed := c.transport.send(ctx, r)
	switch {
	case failed != nil:
		return response{}, failed
	case a.status != http.StatusOK:
		return response{}, responseError(r, a)
	case a.err != nil:
		return response{}, bodyError(r, a, "the answer did not arrive whole", a.err)
	}
	return a, nil
}

// backoffDelay doubles with every try, give or take a half, so that many callers do not come back at once.
func backoffDelay(try int) time.Duration {
	d := firstBackoff << (try - 1)
	return d/2 + rand.N(d)
}

func fitsDeadline(ctx context.Context, wait time.Duration) bool {
	deadline, bound := ctx.Deadline()
	return wait <= maxRetryWait && (!bound || time.Until(deadline) > wait)
}
