package entra_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

const (
	federationIssuer  = "https://oidc.cluster.example"
	federationSubject = "system:serviceaccount:scans:scanwarden"
)

// federatedToken returns a token of the federation's issuer for a subject. id distinguishes several of them.
func federatedToken(subject, id string) string {
	return jwtPart(map[string]any{"alg": "RS256"}) + "." + jwtPart(map[string]any{
		"iss": federationIssuer, "sub": subject, "aud": "api://AzureADTokenExchange", "exp": 4e9, "jti": id,
	}) + ".c2lnbmF0dXJl"
}

// jwtPart encodes a part of a JWT.
func jwtPart(v map[string]any) string {
	text, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text)
}

// credentials returns the ways in which an app authenticates, by name. Tests for one must hold for all.
func credentials(t testing.TB) map[string]func(*entra.Config) {
	t.Helper()
	dir, ours, other := t.TempDir(), identities()[0], identities()[1]
	certificate := func(name, content string) func(*entra.Config) {
		file := filepath.Join(dir, name)
		writeFile(t, file, content)
		return func(c *entra.Config) { c.ClientSecret, c.CertificatePath = nil, file }
	}
	token := filepath.Join(dir, "token")
	writeFile(t, token, federatedToken(federationSubject, "first"))
	return map[string]func(*entra.Config){
		"secret":                     func(*entra.Config) {},
		"certificate":                certificate("alone.pem", ours.pkcs8()+ours.certificate()),
		"certificate with its chain": certificate("chain.pem", ours.pkcs8()+ours.certificate()+other.certificate()),
		"federated token":            func(c *entra.Config) { c.ClientSecret, c.FederatedTokenFile = nil, token },
	}
}

// wantCredential checks that a form carries this kind of credential and no other.
func wantCredential(t *testing.T, kind string, form map[string][]string) {
	t.Helper()
	value := func(name string) string { return strings.Join(form[name], "|") }
	if kind == "secret" {
		if value("client_secret") != secret || value("client_assertion") != "" {
			t.Errorf("sent %v, want the secret alone", form)
		}
		return
	}
	assertion := value("client_assertion")
	if value("client_secret") != "" || value("client_assertion_type") != assertionType {
		t.Errorf("sent %v, want an assertion alone", form)
	}
	if kind == "federated token" {
		if assertion != federatedToken(federationSubject, "first") {
			t.Errorf("asserted %q", assertion)
		}
		return
	}
	verifyAssertion(t, assertion, identities()[0])
	if n, want := len(certificateChain(t, assertion)), strings.Count(kind, "chain")*2; n != want {
		t.Errorf("%d certificates were sent along, want %d", n, want)
	}
}

// wantSentence compares the whole error text, which must show neither what was sent nor Entra ID's own ids.
func wantSentence(t *testing.T, err error, want string, sent []map[string][]string) {
	t.Helper()
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	secrets := []string{correlation}
	for _, form := range sent {
		secrets = append(secrets, append(form["client_assertion"], form["assertion"]...)...)
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("%q shows %q", err, secret)
		}
	}
	wantNoSecrets(t, err)
}

func tokenForms(f *fakeTenant) (forms []map[string][]string) {
	for _, form := range f.TokenForms() {
		forms = append(forms, form)
	}
	return forms
}

type credentialRefusal struct {
	kinds   string // prefix of the credential's name; "" means all
	refused fault
	want    entra.Error
	hint    string
}

// credentialRefusals lists Entra ID's refusals of a credential, and the hint for each.
var credentialRefusals = []credentialRefusal{
	{"certificate", refusal(401, "invalid_client", 700027), entra.Error{Code: "AADSTS700027", OAuth: "invalid_client", Status: 401},
		"the certificate is not registered on the app, or has expired: upload it under Certificates & secrets"},
	{"federated", refusal(401, "invalid_client", 70021), entra.Error{Code: "AADSTS70021", OAuth: "invalid_client", Status: 401},
		"no federated credential of the app matches the token: compare its issuer, subject and audience"},
	{"federated", refusal(401, "invalid_client", 700211), entra.Error{Code: "AADSTS700211", OAuth: "invalid_client", Status: 401},
		"no federated credential of the app has the token's issuer: correct the issuer on the app"},
	{"federated", refusal(401, "invalid_client", 700212), entra.Error{Code: "AADSTS700212", OAuth: "invalid_client", Status: 401},
		"the federated token has the wrong audience: have it issued for api://AzureADTokenExchange"},
	{"federated", refusal(401, "invalid_client", 700213), entra.Error{Code: "AADSTS700213", OAuth: "invalid_client", Status: 401},
		"no federated credential of the app has the token's subject: correct the subject on the app"},
	{"secret", refusal(401, "invalid_client", 7000222), entra.Error{Code: "AADSTS7000222", OAuth: "invalid_client", Status: 401},
		"the client secret has expired: make a new one, or change to a certificate or a federated token"},
	{"", refusal(401, "invalid_client", 700024), entra.Error{Code: "AADSTS700024", OAuth: "invalid_client", Status: 401},
		"the credential is not valid at this time: check this machine's clock and the end of the certificate or token"},
	{"", refusal(400, "unauthorized_client", 700016), entra.Error{Code: "AADSTS700016", OAuth: "unauthorized_client", Status: 400},
		"the tenant has no such app: check AZURE_CLIENT_ID and AZURE_TENANT_ID, and that the app was consented to"},
}

// eachRefusal runs story for each credential and each refusal that applies to it.
func eachRefusal(t *testing.T, story func(t *testing.T, kind string, edit func(*entra.Config), c credentialRefusal)) {
	for kind, edit := range credentials(t) {
		for _, c := range credentialRefusals {
			if strings.HasPrefix(kind, c.kinds) {
				t.Run(kind+" "+c.want.Code, func(t *testing.T) { story(t, kind, edit, c) })
			}
		}
	}
}

func errorSentence(e entra.Error, hint string) string {
	return fmt.Sprintf("Entra ID sign-in failed (%s, %s, HTTP %d): %s", e.Code, e.OAuth, e.Status, hint)
}

func TestACredentialThatIsRefused(t *testing.T) {
	eachRefusal(t, func(t *testing.T, kind string, edit func(*entra.Config), c credentialRefusal) {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			s := f.source(t, edit)
			want := c.want
			want.Correlation = correlation
			f.failNext(c.refused, c.refused)
			for try := range 2 {
				problem := wantSignInError(t, s, want)
				wantSentence(t, problem, errorSentence(want, c.hint), tokenForms(f))
				wantTokenRequests(t, f, try+1) // not retried
			}
			wantToken(t, s, false, "3") // accepted once it is corrected
			for _, form := range tokenForms(f) {
				wantCredential(t, kind, form)
			}
		})
	})
}

func TestACredentialThatIsRefusedForAUser(t *testing.T) {
	eachRefusal(t, func(t *testing.T, kind string, edit func(*entra.Config), c credentialRefusal) {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			o := f.onBehalfOf(t, edit)
			f.failNext(c.refused)
			_, err := f.exchange(t.Context(), o, "ada", entra.TokenRequest{})
			wantRefused(t, err, c.want, c.hint)
			wantSentence(t, err, errorSentence(c.want, c.hint), tokenForms(f))
			wantTokenRequests(t, f, 1)
			f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-2")
		})
	})
}

func TestEachCredentialServesUsers(t *testing.T) {
	for kind, edit := range credentials(t) {
		t.Run(kind, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				o := f.onBehalfOf(t, edit)
				f.assertionLife = time.Hour
				var grants []string
				for _, step := range []struct{ name, want string }{{"ada", "ada-1"}, {"bob", "bob-2"}, {"ada", "ada-1"}, {"ada", "ada-3"}} {
					if step.want == "ada-3" {
						time.Sleep(time.Hour) // Ada's assertion has expired
					}
					f.wantExchange(t, o, step.name, entra.TokenRequest{}, step.want)
					for _, form := range f.TokenForms()[len(grants):] {
						wantCredential(t, kind, form)
						grants = append(grants, form.Get("grant_type"))
					}
				}
				const exchange = "urn:ietf:params:oauth:grant-type:jwt-bearer"
				if want := []string{exchange, exchange, "refresh_token"}; !slices.Equal(grants, want) {
					t.Errorf("grants %v, want %v", grants, want)
				}
			})
		})
	}
}

// A credential's file may be renewed while the program runs. A new client then replaces the one that was
// refused.
func TestARenewedCredentialIsPickedUp(t *testing.T) {
	for kind, edit := range credentials(t) {
		if kind == "secret" {
			continue // see TestARenewedSecretIsPickedUp
		}
		renew := func(t *testing.T, f *fakeTenant) (wantRenewed func(form map[string][]string)) {
			var cfg entra.Config
			edit(&cfg)
			if cfg.FederatedTokenFile != "" {
				renewed := federatedToken("renewed", "second")
				f.changeApp(func(a *entratest.App) {
					a.Federation = &entratest.Federation{Issuer: federationIssuer, Subject: "renewed"}
				})
				writeFile(t, cfg.FederatedTokenFile, renewed)
				t.Cleanup(func() { writeFile(t, cfg.FederatedTokenFile, federatedToken(federationSubject, "first")) })
				return func(form map[string][]string) {
					if got := form["client_assertion"][0]; got != renewed {
						t.Errorf("asserted %q", got)
					}
				}
			}
			f.changeApp(func(a *entratest.App) { a.Certificate = identities()[1].parse(t) })
			writeFile(t, cfg.CertificatePath, identities()[1].pkcs8()+identities()[1].certificate())
			t.Cleanup(func() { writeFile(t, cfg.CertificatePath, identities()[0].pkcs8()+identities()[0].certificate()) })
			return func(form map[string][]string) { verifyAssertion(t, form["client_assertion"][0], identities()[1]) }
		}
		t.Run(kind, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				s := f.source(t, edit)
				wantToken(t, s, false, "1")
				wantRenewed := renew(t, f)
				time.Sleep(time.Hour)
				f.failNext(refusal(401, "invalid_client", 700027))
				wantToken(t, s, false, "3")
				wantRenewed(f.TokenForms()[2])
			})
		})
		t.Run(kind+" for users", func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				o := f.onBehalfOf(t, edit)
				f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
				wantRenewed := renew(t, f)
				time.Sleep(time.Hour)
				old := refusal(401, "invalid_client", 700027)
				f.failNext(old, old) // for the renewal and the exchange
				f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-4")
				wantRenewed(f.TokenForms()[3])
			})
		})
	}
}

// allCredentialsAndModes returns the credentials, and the modes that sign a user in.
func allCredentialsAndModes(t testing.TB) map[string]func(*entra.Config) {
	all := maps.Clone(credentials(t))
	for _, mode := range []entra.Mode{entra.DeviceCode, entra.Interactive} {
		all[string(mode)] = func(c *entra.Config) { c.Mode, c.ClientSecret = mode, nil }
	}
	return all
}
