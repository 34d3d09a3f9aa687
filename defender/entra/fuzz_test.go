package entra_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"scanwarden/defender/entra"
)

// fixedResponse is a transport on which discovery works and each token request gets the same response.
type fixedResponse struct {
	status     int
	retryAfter string
	body       string
}

func (a fixedResponse) RoundTrip(r *http.Request) (*http.Response, error) {
	const base = "https://login.private.example/" + tenant
	if strings.HasSuffix(r.URL.Path, "openid-configuration") {
		a = fixedResponse{200, "", `{"issuer":"` + base + `","authorization_endpoint":"` + base + `","token_endpoint":"` + base + `/token"}`}
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Retry-After": {a.retryAfter}},
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}

// FuzzAnswer checks errors for any response of the token endpoint. An error must be one printable line of
// limited length, must keep the status, and must repeat nothing of the response except codes, known words and
// GUIDs.
func FuzzAnswer(f *testing.F) {
	f.Add(uint16(401), "", `{"error":"invalid_client","error_codes":[7000215],"error_description":"AADSTS7000215: `+secret+`","correlation_id":"`+correlation+`"}`)
	f.Add(uint16(400), "7", `{"error":"`+secret+`","error_description":"AADSTS1`+secret+`","error_codes":[1],"correlation_id":"`+secret+`"}`)
	f.Add(uint16(200), "", `{"access_token":"`+secret+`"}`)
	f.Add(uint16(200), "", `{"access_token":"`+secret+`","expires_in":3599}`)
	f.Add(uint16(503), "Sat, 01 Jan 2000 00:00:09 GMT", "<html>"+secret)
	f.Add(uint16(429), "99999999999", secret)
	f.Add(uint16(302), "-1", "\x00\xff\u202e")
	f.Fuzz(func(t *testing.T, status uint16, retryAfter, body string) {
		a := fixedResponse{200 + int(status)%400, retryAfter, body}
		synctest.Test(t, func(t *testing.T) {
			s, err := entra.New(entra.Config{
				TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil },
				Authority: "https://login.private.example", NoInstanceDiscovery: true, HTTP: &http.Client{Transport: a},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = getText(t.Context(), s, false); err != nil {
				checkText(t, err, a)
			}
		})
	})
}

func checkText(t *testing.T, err error, a fixedResponse) {
	t.Helper()
	var problem *entra.Error
	if !errors.As(err, &problem) {
		t.Fatalf("%T is not an *entra.Error", err)
	}
	if a.status > 201 && problem.Status != a.status {
		t.Errorf("status %d became %d", a.status, problem.Status)
	}
	text := err.Error()
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(text) > 500 || strings.ContainsFunc(text, hidden) || strings.Contains(text, secret) {
		t.Errorf("error text %q", text)
	}
}
