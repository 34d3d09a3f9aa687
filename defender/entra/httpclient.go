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

const maxResponse = 1 << 20 // bytes of one response; a token response has about 2 KiB

// limitedClient is the HTTP client that MSAL gets. MSAL itself reads responses whole, posts the secret to any
// address that the discovery document or a redirect names, and waits without a timeout.
type limitedClient struct {
	*http.Client
	allowLocalHTTP bool // allows plain http to this machine or its link
}

func newLimitedClient(c *http.Client) limitedClient {
	own := *c
	own.Timeout = cmp.Or(own.Timeout, attemptTimeout)
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return limitedClient{Client: &own}
}

// Do sends req over https only, follows no redirect and limits the size of the response.
func (g limitedClient) Do(req *http.Request) (*http.Response, error) {
	switch {
	case req.URL.Scheme == "https", g.allowLocalHTTP && isLocalAddress(req.URL.Hostname()):
	case g.allowLocalHTTP:
		return nil, &Error{Hint: "the endpoint for managed identities is on another machine and has no TLS: check IDENTITY_ENDPOINT"}
	default:
		return nil, &Error{Hint: "the authority names an address without TLS for the sign-in: check " + envAuthority}
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

// isLocalAddress reports whether packets to host stay on this machine or its link. Azure's endpoints for
// managed identities have such addresses: 169.254.169.254, 127.0.0.1, localhost.
func isLocalAddress(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (addr.IsLoopback() || addr.IsLinkLocalUnicast())
}

// errorKey is the context key of the last error response received under a context.
type errorKey struct{}

// withLastError returns a context and the last error response received under it. MSAL reads the error responses
// of a device code itself, to decide whether to continue, and returns empty ones.
func withLastError(ctx context.Context) (context.Context, *atomic.Pointer[Error]) {
	last := new(atomic.Pointer[Error])
	return context.WithValue(ctx, errorKey{}, last), last
}

// recordError stores the error response, if ctx comes from withLastError. The body stays readable.
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
