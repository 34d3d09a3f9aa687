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

const maxAnswer = 1 << 20 // bytes of one answer; a token answer has about 2 KiB

// guarded is the HTTP client that MSAL gets. MSAL reads answers whole, posts the secret wherever the discovery
// document or a redirect points, and waits for ever where a sign-in may take long.
type guarded struct {
	*http.Client
	nearby bool // the endpoint is on this machine or link, where there is no TLS
}

func guard(c *http.Client) guarded {
	own := *c
	own.Timeout = cmp.Or(own.Timeout, tryTime)
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return guarded{Client: &own}
}

// Do sends req over https only, follows no redirect and cuts off an endless answer.
func (g guarded) Do(req *http.Request) (*http.Response, error) {
	switch {
	case req.URL.Scheme == "https", g.nearby && near(req.URL.Hostname()):
	case g.nearby:
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
	}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	note(req.Context(), answer)
	return answer, nil
}

// near reports an address that no packet leaves this machine or its link for. Azure's endpoints for managed
// identities have such ones: 169.254.169.254, 127.0.0.1, localhost.
func near(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (addr.IsLoopback() || addr.IsLinkLocalUnicast())
}

// noted is the key in a context of the last refusal that came in under it.
type noted struct{}

// noting returns a context whose last refusal can be had: MSAL reads the refusals of a device code to their
// end, to know whether to go on, and hands over empty ones.
func noting(ctx context.Context) (context.Context, *atomic.Pointer[Error]) {
	last := new(atomic.Pointer[Error])
	return context.WithValue(ctx, noted{}, last), last
}

func note(ctx context.Context, answer *http.Response) {
	last, ok := ctx.Value(noted{}).(*atomic.Pointer[Error])
	if !ok || answer.StatusCode == http.StatusOK {
		return
	}
	var read bytes.Buffer
	whole := answer.Body
	answer.Body = io.NopCloser(io.TeeReader(whole, &read))
	last.Store(explainAnswer(answer))
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&read, whole), whole}
}
