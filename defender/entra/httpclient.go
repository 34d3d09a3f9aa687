package entra

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/netip"
	"sync/atomic"
)

const maxResponse = 1 << 20 // bytes of one answer; a token answer has about 2 KiB

// limitedClient is the HTTP client that MSAL gets. MSAL reads answers whole, posts the secret wherever the discovery
// document or a redirect points, and waits for ever where a sign-in may take long.
type limitedClient struct {
	*http.Client
	allowLocalHTTP bool // the endpoint is on this machine or link, where there is no TLS
}

func newLimitedClient(c *http.Client) limitedClient {
	own := *c
	own.Timeout = cmp.Or(own.Timeout, attemptTimeout)
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return limitedClient{Client: &own}
}

// Do sends req over https only, follows no redirect and cuts off an endless answer.
func (g limitedClient) Do(req *http.Request) (*http.Response, error) {
	switch {
	case req.URL.Scheme == "https", g.allowLocalHTTP && isLocalAddress(req.URL.Hostname()):
	case g.allowLocalHTTP:
		return nil, &Error{Hint: "the endpoint for managed identities is on another machine and without TLS: check IDENTITY_ENDPOINT"}
	default:
		return nil, &Error{Hint: "the authority asks to send the sign-in unencrypted: check " + envAuthority}
	}
	answer, err := g.Client.Do(req)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxResponse), answer.Body}
	recordError(req.Context(), answer)
	return answer, nil
}

// isLocalAddress reports an address that no packet leaves this machine or its link for. Azure's endpoints for managed
// identities have such ones: 169.254.169.254, 127.0.0.1, localhost.
func isLocalAddress(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (addr.IsLoopback() || addr.IsLinkLocalUnicast())
}

// errorKey is the key in a context of the last refusal that came in under it.
type errorKey struct{}

// withLastError returns a context whose last refusal can be had: MSAL reads the refusals of a device code to their
// end, to know whether to go on, and hands over empty ones.
func withLastError(ctx context.Context) (context.Context, *atomic.Pointer[Error]) {
	last := new(atomic.Pointer[Error])
	return context.WithValue(ctx, errorKey{}, last), last
}

func recordError(ctx context.Context, answer *http.Response) {
	last, ok := ctx.Value(errorKey{}).(*atomic.Pointer[Error])
	if !ok || answer.StatusCode == http.StatusOK {
		return
	}
	var read bytes.Buffer
	whole := answer.Body
	answer.Body = io.NopCloser(io.TeeReader(whole, &read))
	last.Store(responseError(answer))
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&read, whole), whole}
}
