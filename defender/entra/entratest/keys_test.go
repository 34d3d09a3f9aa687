package entratest_test

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

// fetchKeys returns the published keys, as a resource server fetches them.
func fetchKeys(t testing.TB, fake *entratest.Server) map[string]*rsa.PublicKey {
	t.Helper()
	var set struct{ Keys []map[string]string }
	a := get(t, fake, fake.Authority()+"/"+fake.Tenant()+"/discovery/v2.0/keys")
	if err := json.Unmarshal([]byte(a.text), &set); err != nil {
		t.Fatal(err)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, err := base64.RawURLEncoding.DecodeString(k["n"])
		if err != nil || k["e"] != "AQAB" || k["kty"] != "RSA" || k["use"] != "sig" || k["alg"] != "" {
			t.Fatalf("key %v", k)
		}
		keys[k["kid"]] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
	return keys
}

func decodeHeader(t testing.TB, token string) map[string]string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	var h map[string]string
	if err != nil || json.Unmarshal(data, &h) != nil {
		t.Fatalf("%q has no header", token)
	}
	return h
}

// TestRotation publishes the next key beside the old one, which is then retired.
func TestRotation(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	before := fake.UserToken(ada, clientID, nil, nil)
	fake.RotateKey()
	after := fake.UserToken(ada, clientID, nil, nil)
	keys := fetchKeys(t, fake)
	if len(keys) != 2 || keys[decodeHeader(t, before)["kid"]] == nil || keys[decodeHeader(t, after)["kid"]] == nil {
		t.Errorf("%d keys published, want that of each token", len(keys))
	}
	if _, err := fake.Valid(before, clientID); err != nil {
		t.Error(err)
	}
	fake.RetireKeys()
	if keys := fetchKeys(t, fake); len(keys) != 1 || keys[decodeHeader(t, after)["kid"]] == nil {
		t.Errorf("%d keys published, want the one that signs", len(keys))
	}
	if _, err := fake.Valid(before, clientID); err == nil {
		t.Error("a retired key is still good")
	}
	if fake.KeyFetches() != 2 {
		t.Errorf("KeyFetches() = %d, want 2", fake.KeyFetches())
	}
}

// TestValid accepts only tokens that the fake could have issued.
func TestValid(t *testing.T) {
	clock := newClock()
	fake := startTenant(t, entratest.Options{Now: clock.Now})
	good := func(changes map[string]any, how ...entratest.Forgery) string {
		c := fake.UserClaims(ada, clientID, []string{"Scans.Use", "Other"}, []string{"Scans.Requester"})
		for name, value := range changes {
			c[name] = value
		}
		return fake.Sign(c, how...)
	}
	got, err := fake.Valid(good(nil), clientID)
	if err != nil {
		t.Fatal(err)
	}
	wantClaims(t, got, map[string]any{"oid": adaID, "scp": "Scans.Use Other", "roles": []string{"Scans.Requester"}, "ver": "2.0", "aud": clientID})
	whole := good(nil)
	for name, token := range map[string]string{
		"junk":           "junk",
		"tampered":       strings.Replace(whole, ".", ".e30", 1),
		"unsigned":       whole[:strings.LastIndex(whole, ".")+1],
		"foreign key":    good(nil, entratest.ForeignKey()),
		"alg none":       good(nil, entratest.AlgNone()),
		"key confusion":  good(nil, entratest.PublicKeyAsSecret()),
		"no key id":      good(nil, entratest.KeyID("")),
		"other audience": good(map[string]any{"aud": toolID}),
		"other tenant":   good(map[string]any{"tid": "other"}),
		"expired":        good(map[string]any{"exp": clock.Now().Unix()}),
		"not yet":        good(map[string]any{"nbf": clock.Now().Add(6 * time.Minute).Unix()}),
	} {
		if _, err := fake.Valid(token, clientID); err == nil {
			t.Errorf("%s: believed", name)
		}
	}
	end, err := fake.Valid(good(map[string]any{"exp": clock.Now().Truncate(time.Second).Add(time.Second).Unix()}), clientID)
	if err != nil {
		t.Errorf("not believed to its last second: %v", err)
	}
	clock.pass(time.Unix(int64(end["exp"].(float64)), 0).Sub(clock.Now()))
	if _, err := fake.Valid(fake.Sign(end), clientID); err == nil {
		t.Error("believed at its end")
	}
	clock.pass(time.Hour)
	if _, err := fake.Valid(whole, clientID); err == nil {
		t.Error("believed an hour later")
	}
}

// TestForgeries checks that each forgery fails for the reason in its name. A token that is merely malformed
// proves nothing.
func TestForgeries(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	c := fake.UserClaims(ada, clientID, nil, nil)
	kid := decodeHeader(t, fake.Sign(c))["kid"]
	if h := decodeHeader(t, fake.Sign(c, entratest.ForeignKey())); h["kid"] != kid || h["alg"] != "RS256" {
		t.Errorf("a foreign key's header is %v", h)
	}
	none := fake.Sign(c, entratest.AlgNone())
	if decodeHeader(t, none)["alg"] != "none" || !strings.HasSuffix(none, ".") {
		t.Errorf("alg none is %q", none)
	}
	if h := decodeHeader(t, fake.Sign(c, entratest.KeyID("mine"))); h["kid"] != "mine" {
		t.Errorf("a chosen key id's header is %v", h)
	}
	confused := fake.Sign(c, entratest.PublicKeyAsSecret())
	der, err := x509.MarshalPKIXPublicKey(fetchKeys(t, fake)[kid])
	if err != nil {
		t.Fatal(err)
	}
	cut := strings.LastIndex(confused, ".")
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(confused[:cut]))
	if decodeHeader(t, confused)["alg"] != "HS256" || confused[cut+1:] != base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) {
		t.Error("the key confusion is not signed with the published key")
	}
}
