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

// revoked is the challenge of continuous access evaluation: a token from after the event.
const revoked = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"a?":"ÿ>"}}`

// asks notes which tokens a client asks for.
type asks struct {
	mu  sync.Mutex
	all []defender.TokenRequest
}

func (a *asks) config(s *service) defender.Config {
	cfg := s.config()
	cfg.Token = func(_ context.Context, ask defender.TokenRequest) (string, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all = append(a.all, ask)
		return "token", nil
	}
	return cfg
}

// take returns the asks since it was last called.
func (a *asks) take() []defender.TokenRequest {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.all
	a.all = nil
	return all
}

// challenged answers 401 with these WWW-Authenticate headers.
func challenged(headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Www-Authenticate"] = headers
		says(401, `{"error":{"code":"Unauthorized","message":"Continuous access evaluation resulted in challenge"}}`)(w, r)
	}
}

func bearer(claims string) string {
	return `Bearer realm="", error="insufficient_claims", claims="` + claims + `"`
}

func std(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestAClaimsChallengeIsAnswered(t *testing.T) {
	for name, headers := range map[string][]string{
		"padded":             {bearer(std(revoked))},
		"not padded":         {bearer(base64.RawStdEncoding.EncodeToString([]byte(revoked)))},
		"for URLs":           {bearer(base64.URLEncoding.EncodeToString([]byte(revoked)))},
		"for URLs, bare":     {bearer(base64.RawURLEncoding.EncodeToString([]byte(revoked)))},
		"without quotes":     {`bearer error=insufficient_claims,claims=` + std(revoked)},
		"in other letters":   {`BEARER Claims = "` + std(revoked) + `" , , ERROR="insufficient_claims",`},
		"after a quotation":  {`Bearer error_description="expired, so \"claims=x\\\", error=no", error="insufficient_claims", claims="` + std(revoked) + `"`},
		"after another":      {`Basic realm="a, b", Negotiate YIIabc/+==, ` + bearer(std(revoked)) + `, Basic`},
		"in a second header": {`Negotiate`, `Bearer error="broken`, bearer(std(revoked))},
		"after a plain one":  {`Bearer error="invalid_token", ` + bearer(std(revoked))},
	} {
		t.Run(name, func(t *testing.T) {
			s, a := serve(t, inTurn(challenged(headers...), says(200, empty))), &asks{}
			if _, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{}); err != nil {
				t.Error(err)
			}
			wantAsks(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: revoked})
		})
	}
}

func wantAsks(t *testing.T, a *asks, want ...defender.TokenRequest) {
	t.Helper()
	got := a.take()
	if len(got) != len(want) {
		t.Fatalf("asked for the tokens %+v, want %+v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("token %d: asked for %+v, want %+v", i+1, got[i], want[i])
		}
	}
}

func TestAMalformedChallengeIsAPlainRefusal(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", 8<<10) + `"}`
	for name, header := range map[string]string{
		"no challenge":        `Bearer realm=""`,
		"another error":       `Bearer error="invalid_token", claims="` + std(revoked) + `"`,
		"another scheme":      `PoP error="insufficient_claims", claims="` + std(revoked) + `"`,
		"not base64":          bearer("{}"),
		"not JSON":            bearer(std("claims")),
		"an array":            bearer(std("[1]")),
		"null":                bearer(std("null")),
		"more than JSON":      bearer(std(revoked + "{}")),
		"empty":               bearer(""),
		"too long":            bearer(std(long)),
		"said twice":          bearer(std(revoked)) + `, claims="e30"`,
		"an open quotation":   strings.TrimSuffix(bearer(std(revoked)), `"`),
		"an open escape":      bearer(std(revoked)) + `, x="\`,
		"nobody's parameters": `error="insufficient_claims", claims="` + std(revoked) + `"`,
		"nameless":            bearer(std(revoked)) + `, ="x"`,
	} {
		t.Run(name, func(t *testing.T) {
			s, a := serve(t, challenged(header)), &asks{}
			_, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{})
			if !errors.Is(err, defender.ErrSignIn) || strings.Contains(err.Error(), "another sign-in") {
				t.Errorf("error %v, want a plain ErrSignIn", err)
			}
			wantAsks(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true})
		})
	}
}

func TestTheLongestChallenge(t *testing.T) {
	claims := `{"a":"` + strings.Repeat("x", 8<<10-8) + `"}`
	s, a := serve(t, inTurn(challenged(bearer(std(claims))), says(200, empty))), &asks{}
	if _, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{}); err != nil {
		t.Error(err)
	}
	wantAsks(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: claims})
}

// A second challenge ends it, for reads and writes alike, and so does a second 401 of another kind.
func TestAChallengeIsAnsweredOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		first, second http.HandlerFunc
		claims        string
		says          bool
	}{
		"twice":        {challenged(bearer(std(revoked))), challenged(bearer(std(`{"b":1}`))), revoked, true},
		"then plain":   {challenged(bearer(std(revoked))), challenged(), revoked, false},
		"plain before": {challenged(), challenged(bearer(std(revoked))), "", true},
	} {
		for method, call := range map[string]func(defender.Config) error{
			"read": func(cfg defender.Config) error {
				_, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{})
				return err
			},
			"write": func(cfg defender.Config) error {
				_, err := send(t.Context(), newWriter(t, cfg), deletion(t), nil)
				return err
			},
		} {
			t.Run(name+" to a "+method, func(t *testing.T) {
				s, a := serve(t, inTurn(tt.first, tt.second, says(200, ""))), &asks{}
				err := call(a.config(s))
				if !errors.Is(err, defender.ErrSignIn) || errors.Is(err, defender.ErrUncertain) {
					t.Errorf("error %v, want ErrSignIn alone", err)
				}
				if got := strings.Contains(err.Error(), "; Entra ID asks for another sign-in: sign in again; for an application,"); got != tt.says {
					t.Errorf("error %q: speaks of a sign-in = %v, want %v", err, got, tt.says)
				}
				wantAsks(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: tt.claims})
			})
		}
	}
}

func TestAWriteThatIsChallengedIsSentAgain(t *testing.T) {
	s, a := serve(t, inTurn(challenged(bearer(std(revoked))), says(200, ""))), &asks{}
	if _, err := send(t.Context(), newWriter(t, a.config(s)), deletion(t), nil); err != nil {
		t.Error(err)
	}
	if calls := s.asked(); len(calls) != 2 || calls[0] != calls[1] {
		t.Errorf("calls %+v, want the same twice", calls)
	}
	wantAsks(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: revoked})
}

func TestNoTokenAnswersAMissingLicence(t *testing.T) {
	s, a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", bearer(std(revoked)))
		says(401, `{"error":{"code":"Unauthorized","message":"No TVM license for this tenant"}}`)(w, r)
	}), &asks{}
	if _, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{}); !errors.Is(err, defender.ErrLicence) || strings.Contains(err.Error(), "another sign-in") {
		t.Errorf("error %v, want ErrLicence, and no advice to sign in", err)
	}
	wantAsks(t, a, defender.TokenRequest{})
}

func TestAChallengeWithAnotherStatusIsNone(t *testing.T) {
	s, a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", bearer(std(revoked)))
		says(403, "")(w, r)
	}), &asks{}
	if _, err := newClient(t, a.config(s)).Scanners(t.Context(), defender.Actor{}); !errors.Is(err, defender.ErrForbidden) {
		t.Errorf("error %v, want ErrForbidden", err)
	}
	wantAsks(t, a, defender.TokenRequest{})
}

func TestAChallengeInTheSimulator(t *testing.T) {
	sim := defendertest.New(defendertest.Options{})
	s, a := serve(t, sim.ServeHTTP), &asks{}
	t.Cleanup(sim.Close)
	sim.Fail(defendertest.Fault{Method: "PATCH", Claims: revoked})
	if _, err := send(t.Context(), newWriter(t, a.config(s)), update(t, scanID, lab(nil)), nil); err != nil {
		t.Error(err)
	}
	wantAsks(t, a, defender.TokenRequest{}, defender.TokenRequest{Fresh: true, Claims: revoked})
	if n := len(sim.Writes()); n != 1 {
		t.Errorf("%d writes took effect, want 1", n)
	}
}

// FuzzChallenge: a challenge is answered whatever a quotation before it or another header says; and whatever a
// header says, it leads to one more try and no more, with claims that are a JSON object of at most 8 KiB.
func FuzzChallenge(f *testing.F) {
	f.Add(`a, "b" \`, `Negotiate abc==`)
	f.Add(`claims="x`, bearer(std(`{"b":1}`)))
	f.Add("", `Bearer error="insufficient_claims", claims="`)
	f.Add("\t=,", `Bearer error=insufficient_claims, claims=bnVsbA`)
	var c changeable
	s, a := serve(f, c.serve), &asks{}
	client := newClient(f, a.config(s))
	f.Fuzz(func(t *testing.T, quoted, other string) {
		s.take()
		other = strings.Map(sendable, other)
		quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(strings.Map(sendable, quoted))
		c.set(challenged(other))
		_, err := client.Scanners(t.Context(), defender.Actor{})
		asked := a.take()
		if len(asked) != 2 || !asked[1].Fresh || asked[1].Claims != "" && !isObject(asked[1].Claims) {
			t.Errorf("%q leads to %+v", other, asked)
		}
		assertPresentable(t, err, 401)
		c.set(challenged(other, `Bearer description="`+quoted+`", error="insufficient_claims", claims="`+std(revoked)+`"`))
		_, _ = client.Scanners(t.Context(), defender.Actor{})
		want := revoked
		if asked[1].Claims != "" { // the other's was there first
			want = asked[1].Claims
		}
		if again := a.take(); len(again) != 2 || again[1].Claims != want {
			t.Errorf("%q and %q lead to %+v, want the claims %s", other, quoted, again, want)
		}
	})
}

func isObject(claims string) bool {
	var object map[string]any
	return len(claims) <= 8<<10 && json.Unmarshal([]byte(claims), &object) == nil && object != nil
}
