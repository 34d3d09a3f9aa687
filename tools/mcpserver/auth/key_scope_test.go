package auth_test

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
)

// A key verifies only what the key document gives it for: signatures of tokens that our tenant issued. Microsoft's
// documents mark the keys of other tenants and of personal accounts by their issuer.
func TestAKeyVerifiesOnlyTokensOfItsIssuerAndUse(t *testing.T) {
	const consumers, other = "9188040d-6c67-4c5b-b112-36a304b66dad", "99999999-2222-3333-4444-555555555555"
	for name, tt := range map[string]struct {
		scope    func(authority string) map[string]any
		verifies bool
	}{
		"as Entra writes it":              {func(string) map[string]any { return nil }, true},
		"for our tenant alone":            {func(a string) map[string]any { return map[string]any{"issuer": a + "/" + tenant + "/v2.0"} }, true},
		"without an issuer":               {func(string) map[string]any { return map[string]any{"issuer": nil} }, true},
		"without a use":                   {func(string) map[string]any { return map[string]any{"use": nil} }, true},
		"with an algorithm":               {func(string) map[string]any { return map[string]any{"alg": "RS256"} }, true},
		"for verification":                {func(string) map[string]any { return map[string]any{"key_ops": []string{"verify"}} }, true},
		"for another tenant":              {func(a string) map[string]any { return map[string]any{"issuer": a + "/" + other + "/v2.0"} }, false},
		"for consumers":                   {func(a string) map[string]any { return map[string]any{"issuer": a + "/" + consumers + "/v2.0"} }, false},
		"for another authority":           {func(string) map[string]any { return map[string]any{"issuer": "https://evil.example/{tenantid}/v2.0"} }, false},
		"for v1 tokens":                   {func(string) map[string]any { return map[string]any{"issuer": "https://sts.windows.net/{tenantid}/"} }, false},
		"for an empty issuer":             {func(string) map[string]any { return map[string]any{"issuer": ""} }, false},
		"for an issuer that is no string": {func(string) map[string]any { return map[string]any{"issuer": 7} }, false},
		"for encryption":                  {func(string) map[string]any { return map[string]any{"use": "enc"} }, false},
		"for an unknown use":              {func(string) map[string]any { return map[string]any{"use": "tls"} }, false},
		"for other operations":            {func(string) map[string]any { return map[string]any{"key_ops": []string{"encrypt", "wrapKey"}} }, false},
		"for another algorithm":           {func(string) map[string]any { return map[string]any{"alg": "RSA-OAEP"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			a.change(func() { a.keys = map[string]*rsa.PrivateKey{"first": attackerKey()}; a.scope = tt.scope(a.URL) })
			own := rsaKey(serverKey(), "ours", a.URL+"/{tenantid}/v2.0")
			a.change(func() { a.answer = func(w http.ResponseWriter, keys []byte) { addKey(w, keys, own) } })
			k := a.authenticator(t)
			_, err := authenticate(t, k, signTokenWith(t, attackerKey(), "first", a.personClaims(nil)))
			if tt.verifies {
				if err != nil {
					t.Error(err)
				}
			} else {
				wantAuthError(t, err, 401, "not signed by Entra for this server")
			}
			if _, err := authenticate(t, k, signTokenWith(t, serverKey(), "ours", a.personClaims(nil))); err != nil {
				t.Errorf("the tenant's own key: %v", err)
			}
		})
	}
}

// addKey answers with the keys and one more.
func addKey(w http.ResponseWriter, keys []byte, key map[string]any) {
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(keys, &set); err != nil {
		panic(err)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": append([]map[string]any{key}, set.Keys...)})
}

// rsaKey returns the entry of a key document for a key and its issuer.
func rsaKey(key *rsa.PrivateKey, kid, issuer string) map[string]any {
	return map[string]any{
		"kty": "RSA", "use": "sig", "kid": kid, "issuer": issuer, "e": "AQAB",
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
	}
}

// A document can list a key id for several issuers: the key of another issuer must not replace ours.
func TestAKeyOfAnotherIssuerDoesNotReplaceOurs(t *testing.T) {
	a := newAuthority(t)
	foreign := rsaKey(attackerKey(), "first", a.URL+"/99999999-2222-3333-4444-555555555555/v2.0")
	a.change(func() { a.answer = func(w http.ResponseWriter, keys []byte) { addKey(w, keys, foreign) } })
	k := a.authenticator(t)
	if _, err := authenticate(t, k, signToken(t, a.personClaims(nil))); err != nil {
		t.Error(err)
	}
	_, err := authenticate(t, k, signTokenWith(t, attackerKey(), "first", a.personClaims(nil)))
	wantAuthError(t, err, 401, "not signed by Entra for this server")
}
