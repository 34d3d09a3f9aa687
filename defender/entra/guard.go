package entra

import (
	"io"
	"net/http"
)

const maxAnswer = 1 << 20 // bytes of one answer; a token answer has about 2 KiB

// guarded is the HTTP client that MSAL gets. MSAL reads answers whole, and posts the secret wherever
// the discovery document or a redirect points.
type guarded struct{ *http.Client }

func guard(c *http.Client) guarded {
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return guarded{&own}
}

// Do sends req over https only, follows no redirect and cuts off an endless answer.
func (g guarded) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
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
	return answer, nil
}
