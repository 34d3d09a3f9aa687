package defender

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Config configures a [Client] or a [Writer]. With a different Config for each, reads and writes use two app
// registrations.
type Config struct {
	// URL is the scheme and host of the service; see [EndpointsFor] and [CheckURL]. Required.
	URL string

	// Token returns a bearer token, which must not be "". Required.
	Token func(ctx context.Context, want TokenRequest) (string, error)

	// RateLimit waits until a request may be sent. It is called before every try. If it returns an error, nothing is
	// sent. nil means no limit.
	RateLimit func(ctx context.Context, call Call) error

	// OnThrottled is called after a 429: no request should be sent before until. nil means that it is ignored.
	OnThrottled func(ctx context.Context, until time.Time)

	// Sleep waits for d before a read is retried, or until ctx is done, and then returns ctx's error. nil means a timer.
	// The caller may show the wait to the user.
	Sleep func(ctx context.Context, d time.Duration) error

	// HTTP sends the requests. Redirects are never followed. nil means a client with timeouts for every phase and, for a
	// Writer, a new connection for each write: on a kept connection that the service has closed, the outcome of a write
	// would be unknown for no reason.
	HTTP *http.Client

	// SignInAdvice is the advice of an error for a refused token. "" means a check of tenant, application and scope.
	SignInAdvice string

	// UserAgent is the User-Agent header; "" means "scanwarden".
	UserAgent string
}

// Call describes a request that waits for Config.RateLimit.
type Call struct {
	Actor Actor // on whose behalf it is made
	Kind  CallKind
}

// CallKind is the purpose of a request, which determines its priority.
type CallKind int

// The purposes of requests, by rising priority.
const (
	ReadCall  CallKind = iota // answers a question
	PlanCall                  // reads what a proposal is planned from
	WriteCall                 // belongs to a confirmed change: the write, or a read directly before it
)

// Actor identifies on whose behalf Defender is called. The zero Actor is the application itself.
type Actor struct {
	User  string // a name for the user that Config.Token understands
	Agent bool   // an application or AI agent acts for the user
}

// TokenRequest describes the token that Config.Token must return. Its zero value asks for a cached token of the
// application.
type TokenRequest struct {
	Actor  Actor  // on whose behalf the call is made
	Fresh  bool   // not from the cache: the service has refused the cached token
	Claims string // JSON of a claims challenge that the token must answer, or ""
}

// newTransport returns the transport for cfg, or an error that names the setting to correct.
func (cfg Config) newTransport(keepAlive bool) (*transport, error) {
	base, err := parseBase(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Token == nil {
		return nil, errors.New("the Defender configuration has no Token: set a function that returns a bearer token")
	}
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "scanwarden")
	return &transport{base: base, cfg: cfg, http: withoutRedirects(cfg.HTTP, keepAlive)}, nil
}

// sleep waits for d with Sleep or a timer. It returns ctx's error if ctx ends first.
func (cfg Config) sleep(ctx context.Context, d time.Duration) error {
	if cfg.Sleep != nil {
		return cfg.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// withoutRedirects returns a copy of client that follows no redirects. A nil client means a new one.
func withoutRedirects(client *http.Client, keepAlive bool) *http.Client {
	if client == nil {
		client = &http.Client{Timeout: 100 * time.Second, Transport: newHTTPTransport(keepAlive)}
	}
	stay := *client
	if stay.Transport == nil {
		stay.Transport = http.DefaultTransport
	}
	stay.Transport = noRedirects{stay.Transport}
	return &stay
}

func newHTTPTransport(keepAlive bool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  60 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      !keepAlive,
	}
}

// noRedirects removes the Location header of every response, so that http.Client returns a 3xx response itself.
// CheckRedirect is not enough: http.Client parses the location before it calls CheckRedirect, and if it cannot, the status
// is lost.
type noRedirects struct{ http.RoundTripper }

func (t noRedirects) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if resp != nil {
		resp.Header.Del("Location")
	}
	return resp, err
}
