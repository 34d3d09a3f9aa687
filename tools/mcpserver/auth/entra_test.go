package auth_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"scanwarden/tools/mcpserver/auth"
)

// wantAuthError checks the status of an error, a part of its reason, and that the challenge contains the reason.
func wantAuthError(t *testing.T, err error, status int, word string) {
	t.Helper()
	authErr, ok := errors.AsType[*auth.Error](err)
	if !ok || authErr.Status != status || !strings.Contains(authErr.Reason, word) {
		t.Fatalf("got %v (%+v), want %d with %q", err, authErr, status, word)
	}
	if status == 401 && !strings.Contains(authErr.Challenge, `error="invalid_token", error_description="`+authErr.Reason+`"`) {
		t.Errorf("the challenge does not contain the reason: %s", authErr.Challenge)
	}
}

func TestAUserIsAuthenticated(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	if a.fetched() != 0 {
		t.Error("keys were fetched before the first token")
	}
	got, err := authenticate(t, k, signToken(t, a.personClaims(nil)))
	want := auth.Caller{
		Principal: "entra:" + tenant + "/" + ada,
		Groups:    []string{"entra-role:Scans.Requester", "entra-role:Scans.Approver"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if want := "/" + tenant + "/discovery/v2.0/keys"; a.paths[0] != want {
		t.Errorf("keys were fetched from %s, want %s", a.paths[0], want)
	}
}

// Each token is valid except for the difference that its name describes.
func TestTokensThatAreNotForUs(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t, func(cfg *auth.EntraConfig) { cfg.Clients = []string{strings.ToUpper(client)} })
	soon, past := a.currentTime().Add(10*time.Minute).Unix(), a.currentTime().Add(-10*time.Minute).Unix()
	other := "99999999-2222-3333-4444-555555555555"
	for name, tt := range map[string]struct {
		change jwt.MapClaims
		word   string
	}{
		"another service's client id":    {jwt.MapClaims{"aud": other}, "another service"},
		"our own app id URI":             {jwt.MapClaims{"aud": "api://" + audience}, "another service"},
		"the resource's URL":             {jwt.MapClaims{"aud": resource}, "another service"},
		"a Defender token":               {jwt.MapClaims{"aud": "https://api.securitycenter.microsoft.com", "scp": "Machine.ReadWrite"}, "another service"},
		"no audience":                    {jwt.MapClaims{"aud": nil}, "not signed by Entra"},
		"another tenant":                 {jwt.MapClaims{"tid": other}, "another tenant"},
		"another tenant's issuer":        {jwt.MapClaims{"iss": a.URL + "/" + other + "/v2.0", "tid": other}, "not issued by Entra v2"},
		"another issuer":                 {jwt.MapClaims{"iss": "https://evil.example/" + tenant + "/v2.0"}, "not issued by Entra v2"},
		"no issuer":                      {jwt.MapClaims{"iss": nil}, "not signed by Entra"},
		"a v1 token":                     {jwt.MapClaims{"iss": "https://sts.windows.net/" + tenant + "/", "ver": "1.0"}, "not issued by Entra v2"},
		"a v1 token of this issuer":      {jwt.MapClaims{"ver": "1.0"}, "version 2.0"},
		"no version":                     {jwt.MapClaims{"ver": nil}, "version 2.0"},
		"expired":                        {jwt.MapClaims{"exp": past}, "expired"},
		"no expiry":                      {jwt.MapClaims{"exp": nil}, "not signed by Entra"},
		"not yet valid":                  {jwt.MapClaims{"nbf": soon}, "not valid yet"},
		"no object id":                   {jwt.MapClaims{"oid": nil}, "no valid object id"},
		"an object id that is a path":    {jwt.MapClaims{"oid": "../" + ada[3:]}, "no valid object id"},
		"another client":                 {jwt.MapClaims{"azp": other}, "client application that may not"},
		"no client":                      {jwt.MapClaims{"azp": nil}, "client application that may not"},
		"scopes that are no string":      {jwt.MapClaims{"scp": []string{"Scans.Use"}}, "not a JSON web token"},
		"a claim twice but for its case": {jwt.MapClaims{"OID": other}, "not a JSON web token"},
		"claims in other letters":        {jwt.MapClaims{"oid": nil, "Oid": ada}, "no valid object id"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := authenticate(t, k, signToken(t, a.personClaims(tt.change)))
			wantAuthError(t, err, 401, tt.word)
		})
	}
	if _, err := authenticate(t, k, signToken(t, a.personClaims(nil))); err != nil {
		t.Errorf("the true one: %v", err)
	}
}

// An account of another organization is not a user of this tenant, regardless of its roles.
func TestGuestsAreRefused(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	own, other := "https://sts.windows.net/"+strings.ToUpper(tenant)+"/", "https://sts.windows.net/99999999-2222-3333-4444-555555555555/"
	for name, tt := range map[string]struct {
		change jwt.MapClaims
		guest  bool
	}{
		"said to be a guest":                              {jwt.MapClaims{"acct": 1}, true},
		"said to be a guest, as text":                     {jwt.MapClaims{"acct": "1"}, true},
		"a guest of our own tenant":                       {jwt.MapClaims{"acct": 1, "idp": own}, true},
		"authenticated by another tenant":                 {jwt.MapClaims{"idp": other}, true},
		"a personal account":                              {jwt.MapClaims{"idp": "live.com"}, true},
		"a provider with our tenant's id in its host":     {jwt.MapClaims{"idp": "https://" + tenant + ".example.com/"}, true},
		"a provider with our tenant's id in its path":     {jwt.MapClaims{"idp": "https://idp.example.com/" + tenant + "/"}, true},
		"a provider with our tenant's id in a query":      {jwt.MapClaims{"idp": other + "?tid=" + tenant}, true},
		"a provider with our tenant's id in a fragment":   {jwt.MapClaims{"idp": other + "#" + tenant}, true},
		"a provider with our tenant's id before its host": {jwt.MapClaims{"idp": "https://" + tenant + "@sts.windows.net/" + tenant + "/"}, true},
		"a provider whose id starts with our tenant's id": {jwt.MapClaims{"idp": own[:len(own)-1] + "0/"}, true},
		"our tenant's id below another tenant":            {jwt.MapClaims{"idp": other + tenant}, true},
		"our tenant over plain HTTP":                      {jwt.MapClaims{"idp": strings.Replace(own, "https", "http", 1)}, true},
		"our tenant's id alone":                           {jwt.MapClaims{"idp": tenant}, true},
		"a member, as text":                               {jwt.MapClaims{"acct": "0"}, false},
		"a member":                                        {jwt.MapClaims{"acct": 0}, false},
		"a member from another tenant":                    {jwt.MapClaims{"acct": 0, "idp": other}, false},
		"authenticated by our tenant":                     {jwt.MapClaims{"idp": own}, false},
		"authenticated by our tenant, without a slash":    {jwt.MapClaims{"idp": strings.TrimSuffix(own, "/")}, false},
		"authenticated by our tenant in China":            {jwt.MapClaims{"idp": "https://sts.chinacloudapi.cn/" + tenant + "/"}, false},
		"authenticated by its v2 endpoints":               {jwt.MapClaims{"idp": a.URL + "/" + tenant + "/v2.0"}, false},
	} {
		_, err := authenticate(t, k, signToken(t, a.personClaims(tt.change)))
		switch {
		case tt.guest:
			wantAuthError(t, err, 403, "guests of the tenant")
		case err != nil:
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClocksMayDifferByAMinute(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	for name, tt := range map[string]struct {
		claim   string
		from    time.Duration
		allowed bool
	}{
		"just expired": {"exp", -50 * time.Second, true}, "expired": {"exp", -70 * time.Second, false},
		"nearly valid": {"nbf", 50 * time.Second, true}, "not yet valid": {"nbf", 70 * time.Second, false},
	} {
		_, err := authenticate(t, k, signToken(t, a.personClaims(jwt.MapClaims{tt.claim: a.currentTime().Add(tt.from).Unix()})))
		if (err == nil) != tt.allowed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForgedTokens(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	person := a.personClaims(nil)
	public, err := x509.MarshalPKIXPublicKey(serverKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	first := map[string]any{"kid": "first"}
	whole := signToken(t, person)
	part := strings.Split(whole, ".")
	more := base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"` + ada + `"}`))
	twice := strings.Replace(string(decodePart(t, part[1])), `"oid":`, `"oid":"99999999-2222-3333-4444-555555555555","oid":`, 1)
	for name, token := range map[string]string{
		"another's key under our key's name": signTokenWith(t, attackerKey(), "first", person),
		"another's key under its own name":   signTokenWith(t, attackerKey(), "theirs", person),
		"our key without its name":           signTokenAs(t, jwt.SigningMethodRS256, serverKey(), nil, person),
		"our key, a name that is no string":  signTokenAs(t, jwt.SigningMethodRS256, serverKey(), map[string]any{"kid": 7}, person),
		"our key, a critical extension":      signTokenAs(t, jwt.SigningMethodRS256, serverKey(), map[string]any{"kid": "first", "crit": []string{"exp"}}, person),
		"no signature, alg none":             signTokenAs(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, first, person),
		"HS256 with our public key, DER":     signTokenAs(t, jwt.SigningMethodHS256, public, first, person),
		"HS256 with our public key, PEM":     signTokenAs(t, jwt.SigningMethodHS256, text, first, person),
		"RS384 with our key":                 signTokenAs(t, jwt.SigningMethodRS384, serverKey(), first, person),
		"PS256 with our key":                 signTokenAs(t, jwt.SigningMethodPS256, serverKey(), first, person),
		"other claims under our signature":   part[0] + "." + more + "." + part[2],
		"a signature cut off":                part[0] + "." + part[1] + ".",
		"a signature with one bit changed":   whole[:len(whole)-10] + string(whole[len(whole)-10]^1) + whole[len(whole)-9:],
		"four parts":                         whole + "." + part[2],
		"a claim twice":                      signRawClaims(t, part[0], twice),
		"claims that are null":               signRawClaims(t, part[0], "null"),
		"not a token":                        "scanwarden",
		"a token that is too long":           signToken(t, a.personClaims(jwt.MapClaims{"wids": strings.Repeat("x", 16<<10)})),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := authenticate(t, k, token)
			wantAuthError(t, err, 401, "the token")
		})
	}
}

func decodePart(t *testing.T, part string) []byte {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signRawClaims signs claims that no encoder would write.
func signRawClaims(t *testing.T, header, claims string) string {
	t.Helper()
	text := header + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac, err := jwt.SigningMethodRS256.Sign(text, serverKey())
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(mac)
}

// Keys in a token, or addresses of keys in it, are ignored.
func TestATokenDoesNotChooseItsKeys(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	called := 0
	evil := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	defer evil.Close()
	jwk := map[string]any{"kty": "RSA", "kid": "first", "n": base64.RawURLEncoding.EncodeToString(attackerKey().N.Bytes()), "e": "AQAB"}
	for _, header := range []map[string]any{
		{"kid": "first", "jku": evil.URL}, {"kid": "first", "x5u": evil.URL}, {"kid": evil.URL}, {"kid": "first", "jwk": jwk},
		{"kid": "first", "x5c": []string{"AAAA"}}, {"jku": evil.URL},
	} {
		_, err := authenticate(t, k, signTokenAs(t, jwt.SigningMethodRS256, attackerKey(), header, a.personClaims(nil)))
		wantAuthError(t, err, 401, "the token")
	}
	if called != 0 {
		t.Errorf("the attacker was called %d times", called)
	}
}

func TestWhereATokenMayBe(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	token := signToken(t, a.personClaims(nil))
	const about = `Bearer resource_metadata="https://scans.example.com/.well-known/oauth-protected-resource/mcp", scope="https://scans.example.com/mcp/Scans.Use"`
	for name, tt := range map[string]struct {
		url     string
		headers []string
		status  int
		error   string
	}{
		"in the header":           {resource, []string{"Bearer " + token}, 0, ""},
		"in the header, in lower": {resource, []string{"bearer " + token}, 0, ""},
		"in the query":            {resource + "?access_token=" + token, nil, 400, "invalid_request"},
		"in both":                 {resource + "?access_token=" + token, []string{"Bearer " + token}, 400, "invalid_request"},
		"in two headers":          {resource, []string{"Bearer " + token, "Bearer x"}, 400, "invalid_request"},
		"nowhere":                 {resource, nil, 401, ""},
		"in another scheme":       {resource, []string{"Basic " + token}, 401, ""},
		"an empty one":            {resource, []string{"Bearer "}, 401, ""},
		"a bare one":              {resource, []string{token}, 401, ""},
		"a bad one":               {resource, []string{"Bearer x"}, 401, "invalid_token"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tt.url, nil)
			r.Header["Authorization"] = tt.headers
			_, err := k.Authenticate(r, nil)
			authErr, _ := errors.AsType[*auth.Error](err)
			switch {
			case tt.status == 0:
				if err != nil {
					t.Error(err)
				}
			case authErr == nil || authErr.Status != tt.status || !strings.HasPrefix(authErr.Challenge, about):
				t.Errorf("%+v, want %d", authErr, tt.status)
			case tt.error == "" && authErr.Challenge != about:
				t.Errorf("a request without a token got an error code: %s", authErr.Challenge)
			case tt.error != "" && !strings.Contains(authErr.Challenge, `error="`+tt.error+`"`):
				t.Errorf("no error %s in %s", tt.error, authErr.Challenge)
			}
			if authErr != nil && strings.Contains(authErr.Challenge+authErr.Reason, token[:40]) {
				t.Error("the answer holds the token")
			}
		})
	}
}

// A challenge is one line of plain ASCII with balanced quotes for every kind of error.
func TestChallengesAreSafeInAHeader(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	for _, c := range []jwt.MapClaims{
		{"aud": "x"}, {"iss": "\"\r\nSet-Cookie: a=b"}, {"exp": 1}, {"nbf": 1 << 40}, {"ver": "1"}, {"oid": "\n"}, {"scp": "x"}, {"tid": "\\"},
	} {
		_, err := authenticate(t, k, signToken(t, a.personClaims(c)))
		authErr, ok := errors.AsType[*auth.Error](err)
		if !ok {
			t.Fatalf("%v: %v", c, err)
		}
		for _, part := range strings.Split(strings.TrimPrefix(authErr.Challenge, "Bearer "), `", `) {
			name, value, ok := strings.Cut(part, `="`)
			if !ok || name == "" || strings.ContainsAny(strings.TrimSuffix(value, `"`), "\"\\\r\n") {
				t.Errorf("%v: %q in %q", c, part, authErr.Challenge)
			}
		}
	}
}
