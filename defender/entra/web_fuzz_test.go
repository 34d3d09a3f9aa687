package entra_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"

	"scanwarden/defender/entra"
)

// FuzzIDToken checks that no ID token yields a user except one of our tenant, for our app and with the nonce of
// the sign-in. The name must be printable and limited, and no error may repeat the token.
func FuzzIDToken(f *testing.F) {
	good := map[string]any{"tid": tenant, "oid": userIDs["ada"], "aud": clientID, "nonce": nonce, "exp": 4e9, "name": "Ada\u202e \n"}
	for _, edit := range []map[string]any{{}, {"nonce": secret}, {"tid": secret}, {"aud": []string{clientID}}, {"name": strings.Repeat(secret, 100)}, {"exp": -1}, {"oid": 7}} {
		id := map[string]any{}
		for _, from := range []map[string]any{good, edit} {
			for name, value := range from {
				id[name] = value
			}
		}
		payload, _ := json.Marshal(id)
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		token := "e30." + base64.RawURLEncoding.EncodeToString(payload) + "."
		a := fixedResponse{200, "", `{"token_type":"Bearer","expires_in":3599,"access_token":"` + secret + `","id_token":"` + token + `"}`}
		synctest.Test(t, func(t *testing.T) {
			w, err := entra.NewWebSignIn(entra.WebSignInConfig{RedirectURL: callback, Config: entra.Config{
				TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil },
				Authority: "https://login.private.example", NoInstanceDiscovery: true, HTTP: &http.Client{Transport: a},
			}})
			if err != nil {
				t.Fatal(err)
			}
			user, err := w.Finish(t.Context(), "code", nonce, verifier)
			if err != nil {
				checkText(t, err, a)
				return
			}
			checkUser(t, user, payload)
		})
	})
}

func checkUser(t *testing.T, user entra.User, payload []byte) {
	t.Helper()
	var id struct{ Tid, Oid, Aud, Nonce string }
	if err := json.Unmarshal(payload, &id); err != nil || !strings.EqualFold(id.Tid, tenant) || !strings.EqualFold(id.Aud, clientID) || id.Nonce != nonce {
		t.Errorf("%s yielded a user: %v", payload, err)
	}
	if user.TenantID != tenant || user.ObjectID != strings.ToLower(id.Oid) || len(user.ObjectID) != 36 {
		t.Errorf("%s became %+v", payload, user)
	}
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if utf8.RuneCountInString(user.Name) > 100 || strings.ContainsFunc(user.Name, hidden) {
		t.Errorf("the name is %q", user.Name)
	}
}
