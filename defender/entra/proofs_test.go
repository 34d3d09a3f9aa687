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

// federatedToken is what the federation's issuer says of a subject; id tells several such tokens apart.
func federatedToken(subject, id string) string {
	return segment(map[string]any{"alg": "RS256"}) + "." + segment(map[string]any{
		"iss": federationIssuer, "sub": subject, "aud": "api://AzureADTokenExchange", "exp": 4e9, "jti": id,
	}) + ".c2lnbmF0dXJl"
}

// segment is a part of a token.
func segment(v map[string]any) string {
	text, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text)
}

// proofs are the ways in which an app proves who it is: what holds for one must hold for each of them.
func proofs(t testing.TB) map[string]func(*entra.Config) {
	t.Helper()
	dir, ours, other := t.TempDir(), identities()[0], identities()[1]
	certificate := func(name, content string) func(*entra.Config) {
		file := filepath.Join(dir, name)
		put(t, file, content)
		return func(c *entra.Config) { c.ClientSecret, c.CertificatePath = nil, file }
	}
	token := filepath.Join(dir, "token")
	put(t, token, federatedToken(federationSubject, "first"))
	return map[string]func(*entra.Config){
		"secret":                     func(*entra.Config) {},
		"certificate":                certificate("alone.pem", ours.pkcs8()+ours.certificate()),
		"certificate with its chain": certificate("chain.pem", ours.pkcs8()+ours.certificate()+other.certificate()),
		"federated token":            func(c *entra.Config) { c.ClientSecret, c.FederatedTokenFile = nil, token },
	}
}

// wantProof wants a form to carry this proof, and no other.
func wantProof(t *testing.T, proof string, form map[string][]string) {
	t.Helper()
	value := func(name string) string { return strings.Join(form[name], "|") }
	if proof == "secret" {
		if value("client_secret") != secret || value("client_assertion") != "" {
			t.Errorf("sent %v, want the secret alone", form)
		}
		return
	}
	assertion := value("client_assertion")
	if value("client_secret") != "" || value("client_assertion_type") != assertionType {
		t.Errorf("sent %v, want an assertion alone", form)
	}
	if proof == "federated token" {
		if assertion != federatedToken(federationSubject, "first") {
			t.Errorf("asserted %q", assertion)
		}
		return
	}
	verify(t, assertion, identities()[0])
	if n, want := len(chainOf(t, assertion)), strings.Count(proof, "chain")*2; n != want {
		t.Errorf("%d certificates were sent along, want %d", n, want)
	}
}

// wantSentence wants this sentence and nothing else, that gives away neither what was sent nor Entra ID's own ids.
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
	wantClean(t, err)
}

func formsOf(f *fakeTenant) (forms []map[string][]string) {
	for _, form := range f.TokenForms() {
		forms = append(forms, form)
	}
	return forms
}

// refusedProofs are what Entra ID says to a proof, and what a person reads of it.
var refusedProofs = []struct {
	proofs string // those it is said to; "" is all
	answer fault
	want   entra.Error
	hint   string
}{
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

// eachRefusal runs a story for each proof and each refusal that can be met with it.
func eachRefusal(t *testing.T, story func(t *testing.T, proof string, edit func(*entra.Config), refused fault, want entra.Error, hint string)) {
	for proof, edit := range proofs(t) {
		for _, c := range refusedProofs {
			if strings.HasPrefix(proof, c.proofs) {
				t.Run(proof+" "+c.want.Code, func(t *testing.T) { story(t, proof, edit, c.answer, c.want, c.hint) })
			}
		}
	}
}

func sentence(e entra.Error, hint string) string {
	return fmt.Sprintf("Entra ID sign-in failed (%s, %s, HTTP %d): %s", e.Code, e.OAuth, e.Status, hint)
}

func TestAProofThatIsRefused(t *testing.T) {
	eachRefusal(t, func(t *testing.T, proof string, edit func(*entra.Config), refused fault, want entra.Error, hint string) {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			s := f.source(t, edit)
			want.Correlation = correlation
			f.failNext(refused, refused)
			for try := range 2 {
				problem := wantError(t, s, want)
				wantSentence(t, problem, sentence(want, hint), formsOf(f))
				wantTokenRequests(t, f, try+1) // it is not repeated
			}
			wantToken(t, s, false, "3") // and not held against who mends it
			for _, form := range formsOf(f) {
				wantProof(t, proof, form)
			}
		})
	})
}

func TestAProofThatIsRefusedForAUser(t *testing.T) {
	eachRefusal(t, func(t *testing.T, proof string, edit func(*entra.Config), refused fault, want entra.Error, hint string) {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			o := f.onBehalfOf(t, edit)
			f.failNext(refused)
			_, err := f.exchange(t.Context(), o, "ada", entra.TokenRequest{})
			wantRefused(t, err, want, hint)
			wantSentence(t, err, sentence(want, hint), formsOf(f))
			wantTokenRequests(t, f, 1)
			f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-2")
		})
	})
}

func TestEachProofServesUsers(t *testing.T) {
	for proof, edit := range proofs(t) {
		t.Run(proof, func(t *testing.T) {
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
						wantProof(t, proof, form)
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

// What a proof is read from may be renewed while the program runs; the client that is refused with the old one is
// left for another.
func TestARenewedProofIsPickedUp(t *testing.T) {
	for proof, edit := range proofs(t) {
		if proof == "secret" {
			continue // TestARenewedSecretIsPickedUp, since the fake looks at secrets by itself
		}
		renew := func(t *testing.T, f *fakeTenant) (wantRenewed func(form map[string][]string)) {
			var cfg entra.Config
			edit(&cfg)
			if cfg.FederatedTokenFile != "" {
				renewed := federatedToken("renewed", "second")
				f.changeApp(func(a *entratest.App) {
					a.Federation = &entratest.Federation{Issuer: federationIssuer, Subject: "renewed"}
				})
				put(t, cfg.FederatedTokenFile, renewed)
				t.Cleanup(func() { put(t, cfg.FederatedTokenFile, federatedToken(federationSubject, "first")) })
				return func(form map[string][]string) {
					if got := form["client_assertion"][0]; got != renewed {
						t.Errorf("asserted %q", got)
					}
				}
			}
			f.changeApp(func(a *entratest.App) { a.Certificate = identities()[1].parse(t) })
			put(t, cfg.CertificatePath, identities()[1].pkcs8()+identities()[1].certificate())
			t.Cleanup(func() { put(t, cfg.CertificatePath, identities()[0].pkcs8()+identities()[0].certificate()) })
			return func(form map[string][]string) { verify(t, form["client_assertion"][0], identities()[1]) }
		}
		t.Run(proof, func(t *testing.T) {
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
		t.Run(proof+" for users", func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				o := f.onBehalfOf(t, edit)
				f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
				wantRenewed := renew(t, f)
				time.Sleep(time.Hour)
				old := refusal(401, "invalid_client", 700027)
				f.failNext(old, old) // the renewal's and the exchange's
				f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-4")
				wantRenewed(f.TokenForms()[3])
			})
		})
	}
}

// everybody is each proof, and the people's modes beside them.
func everybody(t testing.TB) map[string]func(*entra.Config) {
	all := maps.Clone(proofs(t))
	for _, mode := range []entra.Mode{entra.DeviceCode, entra.Interactive} {
		all[string(mode)] = func(c *entra.Config) { c.Mode, c.ClientSecret = mode, nil }
	}
	return all
}
