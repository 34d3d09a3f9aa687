package defender_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"scanwarden/defender"
)

const (
	collection = "/api/DeviceAuthenticatedScanDefinitions"
	ref        = `{"credential":"core-snmp","fingerprint":"f00d"}`
	filled     = `{"@odata.type":"#microsoft.windowsDefenderATP.api.SnmpAuthParams","type":"AuthPriv","username":"username",` +
		`"authProtocol":"authProtocol","authPassword":"authPassword","privProtocol":"privProtocol","privPassword":"privPassword","communityString":"community-string"}`
)

// The credential replaces its reference. Every other byte stays as it was confirmed.
func TestTheReferenceAloneIsReplaced(t *testing.T) {
	for _, frozen := range []string{
		`{"scanName":"n","scanAuthenticationParams":REF}`,
		`{"scanAuthenticationParams":REF,"scanName":"n"}`,
		" {\n\t\"a\" : [ 1 , {\"scanAuthenticationParams\":{\"credential\":\"not this one\"}} ] ,\r\n \"scanAuthenticationParams\" :  REF  , \"z\" : -1.50e+2 , \"y\":null} \n",
		`{"scan\u0041uthenticationParams":REF,"scanName":"REF \u003c&> ü \/ "}`,
		`{"n":12,"b":true,"scanAuthenticationParams":REF,"n2":12}`,
	} {
		s := startService(t, respond(200, bare))
		write := defender.Write{Method: "POST", Path: collection, Body: json.RawMessage(strings.Replace(frozen, "REF", ref, 1))}
		before := string(write.Body)
		if _, err := sendWrite(t.Context(), newWriter(t, s.config()), write, coreCredential()); err != nil {
			t.Errorf("%s: %v", frozen, err)
			continue
		}
		if want := strings.Replace(frozen, "REF", filled, 1); s.requests()[0].Body != want {
			t.Errorf("sent\n%s\nwant\n%s", s.requests()[0].Body, want)
		}
		if string(write.Body) != before {
			t.Errorf("the frozen body was changed to %s", write.Body)
		}
	}
}

func TestOnlyTheThreeWritesAreSent(t *testing.T) {
	s := startService(t, respond(200, bare))
	w := newWriter(t, s.config())
	for _, write := range []defender.Write{
		{},
		{Method: "GET", Path: collection}, {Method: "PUT", Path: collection}, {Method: "DELETE", Path: collection + "/" + scanID},
		{Method: "PATCH", Path: collection}, {Method: "PATCH", Path: collection + "/"}, {Method: "POST", Path: collection + "/" + scanID},
		{Method: "post", Path: collection}, {Method: "POST", Path: collection + "/"}, {Method: "POST", Path: collection + "?a=b"},
		{Method: "POST", Path: strings.ToLower(collection)}, {Method: "POST", Path: collection + "/batchdelete"},
		{Method: "POST", Path: collection + "/BatchDelete/"}, {Method: "POST", Path: collection + "/BatchDelete#"},
		{Method: "POST", Path: collection + "/GetScanHistoryBySessionId"}, {Method: "POST", Path: "/api/machines/isolate"},
		{Method: "POST", Path: "//example.com" + collection}, {Method: "POST", Path: "https://example.com" + collection},
		{Method: "PATCH", Path: collection + "/a/b"}, {Method: "PATCH", Path: "/api/v1.0" + collection + "/a"},
	} {
		write.Body = json.RawMessage(`{}`)
		_, err := sendWrite(t.Context(), w, write, nil)
		if !errors.Is(err, defender.ErrNotSent) || asError(t, err).Next == "" {
			t.Errorf("%s %s: %v", write.Method, write.Path, err)
		}
	}
	for _, id := range badIDs {
		if _, err := sendWrite(t.Context(), w, defender.Write{Method: "PATCH", Path: collection + "/" + id, Body: json.RawMessage(`{}`)}, nil); !errors.Is(err, defender.ErrNotSent) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	if calls := s.requests(); len(calls) != 0 {
		t.Errorf("sent %+v", calls)
	}
}

func TestABodyThatDoesNotFitItsCredentialIsNotSent(t *testing.T) {
	other, changed, half := coreCredential(), coreCredential(), coreCredential()
	other.Credential, changed.Fingerprint, half.Type = "edge-snmp", "beef", ""
	nameless := coreCredential()
	nameless.Credential, nameless.Fingerprint = "", ""
	s := startService(t, respond(200, bare))
	w := newWriter(t, s.config())
	for name, tt := range map[string]struct {
		body string
		auth *defender.Authentication
	}{
		"no credential given":        {`{"scanAuthenticationParams":` + ref + `}`, nil},
		"none referred to":           {`{"scanName":"n"}`, coreCredential()},
		"public fields":              {`{"scanAuthenticationParams":{"type":"NoAuthNoPriv"}}`, coreCredential()},
		"null":                       {`{"scanAuthenticationParams":null}`, coreCredential()},
		"another credential":         {`{"scanAuthenticationParams":` + ref + `}`, other},
		"another fingerprint":        {`{"scanAuthenticationParams":` + ref + `}`, changed},
		"credential without type":    {`{"scanAuthenticationParams":` + ref + `}`, half},
		"no name on either side":     {`{"scanAuthenticationParams":{"credential":"","fingerprint":""}}`, nameless},
		"name of another type":       {`{"scanAuthenticationParams":{"credential":7,"fingerprint":"f00d"}}`, coreCredential()},
		"reference with more":        {`{"scanAuthenticationParams":{"credential":"core-snmp","fingerprint":"f00d","type":"x"}}`, coreCredential()},
		"reference with less":        {`{"scanAuthenticationParams":{"credential":"core-snmp"}}`, coreCredential()},
		"two references":             {`{"scanAuthenticationParams":` + ref + `,"scanAuthenticationParams":` + ref + `}`, coreCredential()},
		"a second one in upper case": {`{"scanAuthenticationParams":` + ref + `,"ScanAuthenticationParams":{}}`, coreCredential()},
		"another case":               {`{"ScanAuthenticationParams":` + ref + `}`, coreCredential()},
		"another case, no auth":      {`{"ScanAuthenticationParams":{"type":"x"}}`, nil},
		"a secret in the clear":      {`{"scanAuthenticationParams":{"type":"x","AuthPassword":"y"}}`, nil},
		"authentication as a string": {`{"scanAuthenticationParams":"x"}`, nil},
		"authentication as an array": {`{"scanAuthenticationParams":[` + ref + `]}`, coreCredential()},
		"empty":                      {``, nil},
		"array":                      {`[]`, nil},
		"null body":                  {`null`, nil},
		"half a body":                {`{"a":1`, nil},
		"broken":                     {`{"a":}`, nil},
		"broken name":                {`{a:1}`, nil},
		"two bodies":                 {`{"a":1}{"b":2}`, nil},
		"text after it":              {`{"a":1} x`, nil},
	} {
		_, err := sendWrite(t.Context(), w, defender.Write{Method: "POST", Path: collection, Body: json.RawMessage(tt.body)}, tt.auth)
		if !errors.Is(err, defender.ErrNotSent) || asError(t, err).Next == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sendWrite(t.Context(), w, newDelete(t), coreCredential()); !errors.Is(err, defender.ErrNotSent) {
		t.Errorf("a delete with a credential: %v", err)
	}
	if calls := s.requests(); len(calls) != 0 {
		t.Errorf("sent %+v", calls)
	}
}

// Defender may repeat the request in its error, in any encoding.
func TestAnEchoedSecretIsScrubbed(t *testing.T) {
	const plain = `pa"ss\wörd+&<%'1 €😀`
	auth := coreCredential()
	auth.AuthPassword, auth.PrivPassword = defender.NewSecret(plain), defender.NewSecret(plain+"-and-more")
	quoted, _ := json.Marshal(plain)
	twice, _ := json.Marshal(string(quoted))
	for name, echo := range map[string]string{
		"as it is":         plain,
		"the longer one":   plain + "-and-more",
		"JSON":             string(quoted),
		"JSON in JSON":     string(twice),
		"JSON of .NET":     `pa\u0022ss\\w\u00F6rd\u002B\u0026\u003C%\u00271 \u20AC\uD83D\uDE00`,
		"path":             url.PathEscape(plain),
		"query":            url.QueryEscape(plain),
		"lower-case query": strings.ToLower(url.QueryEscape("pa\"ss\\w")) + url.QueryEscape("örd+&<%'1 €😀"),
		"HTML":             html.EscapeString(plain),
		"a short one":      "community-string",
		"base64":           base64.StdEncoding.EncodeToString([]byte(plain)),
		"base64, no field": base64.RawURLEncoding.EncodeToString([]byte(`{"x":"` + plain)),
		"hex":              hex.EncodeToString([]byte(plain)),
		"reversed":         reversed(plain),
	} {
		for _, place := range []string{`{"error":{"message":%s}}`, `{"error":{"code":%s}}`, `{"error":{"target":%s}}`, `{"error":%s}`, `{"message":%s}`} {
			said, _ := json.Marshal("before " + echo + " after")
			s := startService(t, respond(400, fmt.Sprintf(place, said)))
			_, err := sendWrite(t.Context(), newWriter(t, s.config()), newAdd(t, labScan(coreCredential())), auth)
			shown := fmt.Sprintf("%v %#v", err, *asError(t, err))
			for _, form := range []string{plain, echo, "and-more", "before", "after", "wörd", "w%C3%B6rd", `w\u00F6rd`, "community"} {
				if strings.Contains(shown, form) {
					t.Errorf("%s in %s leaves %q: %s", name, place, form, shown)
				}
			}
		}
	}
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// A request without a credential still has a token, which no message must repeat. The rest of the text is kept.
func TestAnEchoedTokenIsScrubbed(t *testing.T) {
	long := strings.Repeat("x", 495)
	for said, want := range map[string]string{
		"before secret-token after": "before [redacted] after",
		long + "secret-token":       long + "[reda…", // redacted before it is cut, so that no half token remains
	} {
		s := startService(t, respond(400, `{"error":{"message":"`+said+`"}}`))
		cfg := s.config()
		cfg.Token = func(context.Context, defender.TokenRequest) (string, error) { return "secret-token", nil }
		_, err := sendWrite(t.Context(), newWriter(t, cfg), newDelete(t), nil)
		if got := asError(t, err).Message; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	}
}

// After a request with a credential, the status, a documented code and the request id are passed on.
func TestWhatIsPassedOnAfterACredential(t *testing.T) {
	const id = "00000000-0000-4000-8000-000000000002"
	for body, want := range map[string]string{
		`{"error":{"code":"InvalidInput","message":"x","target":"` + id + `"}}`: "add scan: 400 InvalidInput: Defender's own message is withheld, because it could repeat the credential that was sent (request " + id + "); check every field",
		`{"error":{"code":"aGVsbG8","message":"","target":"` + id + `-1"}}`:     "add scan: 400 Bad Request; ",
	} {
		s := startService(t, respond(400, body))
		_, err := sendWrite(t.Context(), newWriter(t, s.config()), newAdd(t, labScan(coreCredential())), coreCredential())
		if !strings.HasPrefix(asError(t, err).Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	s := startService(t, dropMalformed)
	_, err := sendWrite(t.Context(), newWriter(t, s.config()), newAdd(t, labScan(coreCredential())), coreCredential())
	if !errors.Is(err, defender.ErrUncertain) || strings.Contains(err.Error(), "YXV0aFBhc3N3b3Jk") {
		t.Errorf("a malformed response is repeated: %v", err)
	}
}

// dropMalformed answers with a line that is no HTTP, which net/http quotes in its error.
func dropMalformed(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 YXV0aFBhc3N3b3Jk x\r\n\r\n")
}

// A receipt has the values that were sent; any other text is withheld, in whatever encoding it repeats a secret.
func TestAReceiptAfterACredentialHasWhatWasSent(t *testing.T) {
	const id = "289224fb-1686-472c-9751-5555960854ca"
	body := `{"id":"` + id + `","scanType":"Network","scanName":"YXV0aFBhc3N3b3Jk","isActive":false,"target":"192.0.2.10, 192.0.2.11","intervalInHours":61757468,
		"targetType":"Ip","createdBy":"61757468506173","orgId":"drowssaPhtua","scannerAgent":{"machineId":"` + machine + `","machineName":"YXV0aFBhc3N3b3Jk"},
		"latestScan":{"status":"YXV0aFBhc3N3b3Jk","failureReason":"x"}}`
	s := startService(t, respond(200, body))
	got, err := sendWrite(t.Context(), newWriter(t, s.config()), newAdd(t, labScan(coreCredential())), coreCredential())
	want := defender.Definition{ID: id, ScanType: "Network", ScanName: "[withheld]", Target: "192.0.2.10,192.0.2.11", TargetType: "Ip",
		ScannerAgent: defender.Scanner{MachineID: machine}}
	if err != nil || fmt.Sprintf("%+v", *got.Definition) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v, %v", got.Definition, err)
	}
	for _, odd := range []string{"YXV0aFBhc3N3b3Jk", "61757468506173776f7264", "authPassword"} {
		s := startService(t, respond(200, strings.Replace(body, id, odd, 1)))
		_, err := sendWrite(t.Context(), newWriter(t, s.config()), newAdd(t, labScan(coreCredential())), coreCredential())
		if !errors.Is(err, defender.ErrUncertain) || strings.Contains(err.Error(), odd) {
			t.Errorf("the id %q gave %v", odd, err)
		}
	}
}
