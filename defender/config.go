package defender

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Config configures a [Client] or a [Writer]; give them different ones to read and write under two app
// registrations.
type Config struct {
	// URL is the service's scheme and host; see [Profile] and [CheckURL].
	URL string

	// Token returns a bearer token. Required.
	Token func(ctx context.Context, want TokenRequest) (string, error)

	// RateLimit waits for this call's turn, before every try; write says that it goes ahead of reads. An error
	// means that the call is not made. nil means no limit.
	RateLimit func(ctx context.Context, write bool) error

	// OnThrottled tells of a 429: nobody should call before until. nil means nobody is told.
	OnThrottled func(ctx context.Context, until time.Time)

	// Sleep waits before a read is tried again: d, or until ctx is done, and then returns its error. nil means
	// a timer. A caller may show the wait to whoever is waiting.
	Sleep func(ctx context.Context, d time.Duration) error

	// HTTP carries the requests. Its redirects are never followed. nil means a client with timeouts on every
	// phase and, for a Writer, a new connection for each write: a kept one that the service has meanwhile
	// closed would leave an outcome unknown for no reason.
	HTTP *http.Client

	// UserAgent is sent as it is; "" means "scanwarden".
	UserAgent string
}

// Actor identifies on whose behalf Defender is called. The zero Actor is the application itself.
type Actor struct {
	User  string // a name for the user that Config.Token understands
	Agent bool   // not the user in person, but an application or AI agent that acts for them
}

// TokenRequest describes the token that Config.Token must return. Its zero value asks for a cached token of the
// application.
type TokenRequest struct {
	Actor  Actor  // on whose behalf the call is made
	Fresh  bool   // not the cached one: the service has refused it
	Claims string // JSON of a claims challenge that the token must answer, "" for none
}

func (cfg Config) open(keepAlive bool) (*wire, error) {
	base, err := parseBase(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Token == nil {
		return nil, errors.New("the Defender configuration has no Token: give it a function that returns a bearer token")
	}
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "scanwarden")
	return &wire{base: base, cfg: cfg, http: anchored(cfg.HTTP, keepAlive)}, nil
}

// pause waits as configured.
func (cfg Config) pause(ctx context.Context, d time.Duration) error {
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

// anchored returns a copy of client that never leaves the host it is sent to.
func anchored(client *http.Client, keepAlive bool) *http.Client {
	if client == nil {
		client = &http.Client{Timeout: 100 * time.Second, Transport: newTransport(keepAlive)}
	}
	stay := *client
	if stay.Transport == nil {
		stay.Transport = http.DefaultTransport
	}
	stay.Transport = noRedirects{stay.Transport}
	return &stay
}

func newTransport(keepAlive bool) *http.Transport {
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

// noRedirects takes the destination out of every redirect, so that http.Client, finding none, returns the 3xx
// answer as it came. CheckRedirect would not do: http.Client parses the destination before it asks, and an
// unreadable one costs us the status.
type noRedirects struct{ http.RoundTripper }

func (t noRedirects) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if resp != nil {
		resp.Header.Del("Location")
	}
	return resp, err
}
