package defender_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"scanwarden/defender"
	"scanwarden/defender/defendertest"
)

// revokedClaims is a claims challenge of continuous access evaluation: the token must be newer than the event.
const revokedClaims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"a?":"ÿ>"}}`

// tokenLog records which tokens a client requests.
type tokenLog struct {
	mu  sync.Mutex
	all []defender.TokenRequest
}

func (a *tokenLog) config(s *service) defender.Config {
	cfg := s.config()
	cfg.Token = func(_ context.Context, ask defender.TokenRequest) (string, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all = append(a.all, ask)
		return "token", nil
	}
	return cfg
}

// takeRequests returns the token requests since the last call.
func (a *tokenLog) takeRequests() []defender.TokenRequest {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.all
	a.all = nil
	return all
}

// respondChallenge responds with 401 and these WWW-Authenticate headers.
func respondChallenge(headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Www-Authenticate"] = headers
		respond(401, `{"error":{"code":"Unauthorized","message":"Continuous access evaluation resulted in challenge"}}`)(w, r)
	}
}

func bearerChallenge(claims string) string {
	return `Bearer realm="", error="insufficient_claims", claims="` + claims + `"`
}

func base64Text(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestAClaimsChallengeIsAnswered(t *testing.T) {
	for name, headers := range map[string][]string{
		"padded":             {bearerChallenge(base64Text(revokedClaims))},
		"not padded":         {bearerChallenge(base64.RawStdEncoding.EncodeToString([]byte(revokedClaims)))},
		"for URLs":           {bearerChallenge(base64.URLEncoding.EncodeToString([]byte(revokedClaims)))},
		"for URLs, bare":     {bearerChallenge(base64.RawURLEncoding.EncodeToString([]byte(revokedClaims)))},
		"without quotes":     {`bearer error=insufficient_claims,claims=` + base64Text(revokedClaims)},
		"in other letters":   {`BEARER Claims = "` + base64Text(revokedClaims) + `" , , ERROR="insufficient_claims",`},
		"after a quotation":  {`Bearer error_description="expired, so \"claims=x\\\", error=no", error="insufficient_claims", claims="` + base64Text(revokedClaims) + `"`},
		"after another":      {`Basic realm="a, b", Negotiate YIIabc/+==, ` + bearerChallenge(base64Text(revokedClaims)) + `, Basic`},
		"in a second header": {`Negotiate`, `Bearer error="broken`, bearerChallenge(base64Text(revokedClaims))},
		"after a plain one":  {`Bearer error="invalid_token", ` + bearerChallenge(base64Text(revokedClaims))},
	} {
		t.Run(name, func(t *testing.T) {
			s, a := startService(t, respondInTurn(respondChallenge(headers...), respond(200, emptyList))), &tokenLog{}
			if _, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{}); err != nil {
				t.Error(err)
			}
			wantTokenRequests(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: revokedClaims})
		})
	}
}

func wantTokenRequests(t *testing.T, a *tokenLog, want ...defender.TokenRequest) {
	t.Helper()
	got := a.takeRequests()
	if len(got) != len(want) {
		t.Fatalf("requested the tokens %+v, want %+v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("token %d: requested %+v, want %+v", i+1, got[i], want[i])
		}
	}
}

func TestAMalformedChallengeIsAPlainRefusal(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", 8<<10) + `"}`
	for name, header := range map[string]string{
		"no challenge":      `Bearer realm=""`,
		"another error":     `Bearer error="invalid_token", claims="` + base64Text(revokedClaims) + `"`,
		"another scheme":    `PoP error="insufficient_claims", claims="` + base64Text(revokedClaims) + `"`,
		"not base64":        bearerChallenge("{}"),
		"not JSON":          bearerChallenge(base64Text("claims")),
		"an array":          bearerChallenge(base64Text("[1]")),
		"null":              bearerChallenge(base64Text("null")),
		"more than JSON":    bearerChallenge(base64Text(revokedClaims + "{}")),
		"empty":             bearerChallenge(""),
		"too long":          bearerChallenge(base64Text(long)),
		"a repeated name":   bearerChallenge(base64Text(revokedClaims)) + `, claims="e30"`,
		"an open quotation": strings.TrimSuffix(bearerChallenge(base64Text(revokedClaims)), `"`),
		"an open escape":    bearerChallenge(base64Text(revokedClaims)) + `, x="\`,
		"without a scheme":  `error="insufficient_claims", claims="` + base64Text(revokedClaims) + `"`,
		"nameless":          bearerChallenge(base64Text(revokedClaims)) + `, ="x"`,
	} {
		t.Run(name, func(t *testing.T) {
			s, a := startService(t, respondChallenge(header)), &tokenLog{}
			_, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{})
			if !errors.Is(err, defender.ErrSignIn) || strings.Contains(err.Error(), "another sign-in") {
				t.Errorf("error %v, want a plain ErrSignIn", err)
			}
			wantTokenRequests(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true})
		})
	}
}

func TestTheLongestChallenge(t *testing.T) {
	claims := `{"a":"` + strings.Repeat("x", 8<<10-8) + `"}`
	s, a := startService(t, respondInTurn(respondChallenge(bearerChallenge(base64Text(claims))), respond(200, emptyList))), &tokenLog{}
	if _, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{}); err != nil {
		t.Error(err)
	}
	wantTokenRequests(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: claims})
}

// After a second challenge, or a second 401 of another kind, the error is returned. This holds for reads and writes.
func TestAChallengeIsAnsweredOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		first, second http.HandlerFunc
		claims        string
		wantAdvice    bool
	}{
		"twice":        {respondChallenge(bearerChallenge(base64Text(revokedClaims))), respondChallenge(bearerChallenge(base64Text(`{"b":1}`))), revokedClaims, true},
		"then plain":   {respondChallenge(bearerChallenge(base64Text(revokedClaims))), respondChallenge(), revokedClaims, false},
		"plain before": {respondChallenge(), respondChallenge(bearerChallenge(base64Text(revokedClaims))), "", true},
	} {
		for method, call := range map[string]func(defender.Config) error{
			"read": func(cfg defender.Config) error {
				_, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{})
				return err
			},
			"write": func(cfg defender.Config) error {
				_, err := sendWrite(t.Context(), newWriter(t, cfg), newDelete(t), nil)
				return err
			},
		} {
			t.Run(name+" to a "+method, func(t *testing.T) {
				s, a := startService(t, respondInTurn(tt.first, tt.second, respond(200, ""))), &tokenLog{}
				err := call(a.config(s))
				if !errors.Is(err, defender.ErrSignIn) || errors.Is(err, defender.ErrUncertain) {
					t.Errorf("error %v, want ErrSignIn alone", err)
				}
				if got := strings.Contains(err.Error(), "; Entra ID asks for another sign-in: sign in again; for an application,"); got != tt.wantAdvice {
					t.Errorf("error %q: advises a sign-in = %v, want %v", err, got, tt.wantAdvice)
				}
				wantTokenRequests(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: tt.claims})
			})
		}
	}
}

func TestAWriteThatIsChallengedIsSentAgain(t *testing.T) {
	s, a := startService(t, respondInTurn(respondChallenge(bearerChallenge(base64Text(revokedClaims))), respond(200, ""))), &tokenLog{}
	if _, err := sendWrite(t.Context(), newWriter(t, a.config(s)), newDelete(t), nil); err != nil {
		t.Error(err)
	}
	if calls := s.requests(); len(calls) != 2 || calls[0] != calls[1] {
		t.Errorf("calls %+v, want the same twice", calls)
	}
	wantTokenRequests(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: revokedClaims})
}

func TestNoTokenAnswersAMissingLicence(t *testing.T) {
	s, a := startService(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", bearerChallenge(base64Text(revokedClaims)))
		respond(401, `{"error":{"code":"Unauthorized","message":"No TVM license for this tenant"}}`)(w, r)
	}), &tokenLog{}
	if _, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{}); !errors.Is(err, defender.ErrLicense) || strings.Contains(err.Error(), "another sign-in") {
		t.Errorf("error %v, want ErrLicence, and no advice to sign in", err)
	}
	wantTokenRequests(t, a, defender.TokenRequest{})
}

func TestAChallengeWithAnotherStatusIsNone(t *testing.T) {
	s, a := startService(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", bearerChallenge(base64Text(revokedClaims)))
		respond(403, "")(w, r)
	}), &tokenLog{}
	if _, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{}); !errors.Is(err, defender.ErrForbidden) {
		t.Errorf("error %v, want ErrForbidden", err)
	}
	wantTokenRequests(t, a, defender.TokenRequest{})
}

func TestAChallengeInTheSimulator(t *testing.T) {
	sim := defendertest.New(defendertest.Options{})
	s, a := startService(t, sim.ServeHTTP), &tokenLog{}
	t.Cleanup(sim.Close)
	sim.Fail(defendertest.Fault{Method: "PATCH", Claims: revokedClaims})
	if _, err := sendWrite(t.Context(), newWriter(t, a.config(s)), newUpdate(t, scanID, labScan(nil)), nil); err != nil {
		t.Error(err)
	}
	wantTokenRequests(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: revokedClaims})
	if n := len(sim.Writes()); n != 1 {
		t.Errorf("%d writes took effect, want 1", n)
	}
}

// FuzzChallenge checks that a challenge is answered whatever a quoted string before it or another header contains. No
// header leads to more than one retry, and its claims are a JSON object of at most 8 KiB.
func FuzzChallenge(f *testing.F) {
	f.Add(`a, "b" \`, `Negotiate abc==`)
	f.Add(`claims="x`, bearerChallenge(base64Text(`{"b":1}`)))
	f.Add("", `Bearer error="insufficient_claims", claims="`)
	f.Add("\t=,", `Bearer error=insufficient_claims, claims=bnVsbA`)
	var c changeableService
	s, a := startService(f, c.serve), &tokenLog{}
	client := newClient(f, a.config(s))
	f.Fuzz(func(t *testing.T, quoted, other string) {
		s.takeRequests()
		other = strings.Map(dropUnsendable, other)
		quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(strings.Map(dropUnsendable, quoted))
		c.set(respondChallenge(other))
		_, err := client.Scanners(t.Context(), defender.Actor{})
		asked := a.takeRequests()
		if len(asked) != 2 || !asked[1].Fresh || asked[1].Claims != "" && !isJSONObject(asked[1].Claims) {
			t.Errorf("%q leads to %+v", other, asked)
		}
		assertPresentable(t, err, 401)
		c.set(respondChallenge(other, `Bearer description="`+quoted+`", error="insufficient_claims", claims="`+base64Text(revokedClaims)+`"`))
		_, _ = client.Scanners(t.Context(), defender.Actor{})
		want := revokedClaims
		if asked[1].Claims != "" { // the other header came first
			want = asked[1].Claims
		}
		if again := a.takeRequests(); len(again) != 2 || again[1].Claims != want {
			t.Errorf("%q and %q lead to %+v, want the claims %s", other, quoted, again, want)
		}
	})
}

func isJSONObject(claims string) bool {
	var object map[string]any
	return len(claims) <= 8<<10 && json.Unmarshal([]byte(claims), &object) == nil && object != nil
}
