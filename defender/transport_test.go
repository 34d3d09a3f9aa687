package defender_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"scanwarden/defender"
)

func TestARedirectIsAnErrorAndTheTokenGoesNowhere(t *testing.T) {
	elsewhere := startService(t, respond(200, emptyList))
	for _, location := range []string{elsewhere.URL + "/api/DeviceAuthenticatedScanAgents", "http://[broken", ""} {
		s := startService(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{location}
			w.WriteHeader(307)
		})
		_, err := newClient(t, s.config()).RunsBySession(t.Context(), defender.Actor{}, []string{"s"})
		if e := asError(t, err); e.Status != 307 || !strings.Contains(e.Next, "redirects are not followed") {
			t.Errorf("redirect to %q: %v", location, err)
		}
	}
	if n := len(elsewhere.requests()); n != 0 {
		t.Errorf("the redirect was followed %d times", n)
	}
}

func TestEveryTryWaitsForTheRateLimit(t *testing.T) {
	s := startService(t, respondInTurn(respond(503, ""), respond(401, ""), respond(503, ""), respond(200, emptyList)))
	cfg := s.config()
	turns := 0
	cfg.RateLimit = func(_ context.Context, call defender.Call) error {
		if call != (defender.Call{Actor: defender.Actor{User: "ada"}}) {
			t.Errorf("a read was marked as %+v", call)
		}
		turns++
		return nil
	}
	if _, err := newClient(t, cfg).RunsBySession(t.Context(), defender.Actor{User: "ada"}, []string{"s"}); err != nil || turns != len(s.requests()) || turns != 4 {
		t.Errorf("%d turns for %d calls, %v", turns, len(s.requests()), err)
	}
}

func TestNothingIsSentAgainstTheRateLimit(t *testing.T) {
	s := startService(t, respond(200, emptyList))
	cfg := s.config()
	full := errors.New("the hour is used up; try again at ten")
	cfg.RateLimit = func(context.Context, defender.Call) error { return full }
	_, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), full.Error()) || len(s.requests()) != 0 {
		t.Errorf("error %v after %d calls", err, len(s.requests()))
	}
}

func TestA401IsAnsweredWithAFreshTokenOnce(t *testing.T) {
	refusal := fixture(t, "error-401-Unauthorized.derived")
	s := startService(t, respondInTurn(respond(401, refusal), respond(200, emptyList)))
	if _, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{}); err != nil {
		t.Errorf("with a fresh token: %v", err)
	}
	if calls := s.requests(); len(calls) != 2 || calls[0].Token != "Bearer token" || calls[1].Token != "Bearer fresh" {
		t.Errorf("calls %+v", calls)
	}
	s = startService(t, respond(401, refusal))
	_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
	if !errors.Is(err, defender.ErrSignIn) || len(s.requests()) != 2 {
		t.Errorf("error %v after %d calls, want ErrSignIn after 2", err, len(s.requests()))
	}
}

func TestALicence401DoesNotLoop(t *testing.T) {
	for _, body := range []string{
		fixture(t, "error-401-no-tvm-license.derived"),
		`{"error":{"code":"Unauthorized","message":"Account mode is inactive"}}`,
	} {
		s := startService(t, respond(401, body))
		_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
		if !errors.Is(err, defender.ErrLicense) || errors.Is(err, defender.ErrSignIn) || len(s.requests()) != 1 {
			t.Errorf("error %v after %d calls, want ErrLicence after 1", err, len(s.requests()))
		}
	}
}

func TestNoTokenNoCall(t *testing.T) {
	s := startService(t, respond(200, emptyList))
	broken := errors.New("AADSTS7000215: the client secret is wrong")
	for name, token := range map[string]func(context.Context, defender.TokenRequest) (string, error){
		"error":                                  func(context.Context, defender.TokenRequest) (string, error) { return "", broken },
		"empty":                                  func(context.Context, defender.TokenRequest) (string, error) { return "", nil },
		"line break, which would forge a header": func(context.Context, defender.TokenRequest) (string, error) { return "t\r\nX: y", nil },
	} {
		cfg := s.config()
		cfg.Token = token
		_, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{})
		if err == nil || len(s.requests()) != 0 || strings.Contains(err.Error(), "X: y") {
			t.Errorf("%s: %v after %d calls", name, err, len(s.requests()))
		}
		if name == "error" && !errors.Is(err, broken) {
			t.Errorf("%v does not wrap its cause", err)
		}
	}
}

// TestASignInsAddressIsShownWhole checks that the address for a sign-in is not cut, because a user must open it.
func TestASignInsAddressIsShownWhole(t *testing.T) {
	waits := "sign in at https://login.example.com/authorize?claims=" + strings.Repeat("x", 8<<10) + "&state=s, then call again"
	cfg := startService(t, respond(200, emptyList)).config()
	cfg.Token = func(context.Context, defender.TokenRequest) (string, error) { return "", errors.New(waits) }
	if _, err := newClient(t, cfg).Definitions(t.Context(), defender.Actor{}); err == nil || !strings.Contains(err.Error(), waits) {
		t.Errorf("got %v", err)
	}
}

// The error is ErrNotSent if the request was certainly not sent, so that the caller may retry without reading first.
func TestNotSent(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	closed := startService(t, respond(200, bare))
	closed.Close()
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		ctx    context.Context
		change func(*defender.Config)
		cause  error
	}{
		"refused":      {t.Context(), func(c *defender.Config) { c.URL = closed.URL }, nil},
		"no TLS there": {t.Context(), func(c *defender.Config) { c.URL = "https" + strings.TrimPrefix(c.URL, "http") }, nil},
		"canceled":     {gone, func(*defender.Config) {}, context.Canceled},
		"no turn":      {t.Context(), func(c *defender.Config) { c.RateLimit = func(context.Context, defender.Call) error { return broken } }, broken},
		"no token": {t.Context(), func(c *defender.Config) {
			c.Token = func(context.Context, defender.TokenRequest) (string, error) { return "", broken }
		}, broken},
	} {
		t.Run(name, func(t *testing.T) {
			s := startService(t, respond(200, bare))
			cfg := s.config()
			tt.change(&cfg)
			_, err := sendWrite(tt.ctx, newWriter(t, cfg), newAdd(t, labScan(coreCredential())), coreCredential())
			if !errors.Is(err, defender.ErrNotSent) || errors.Is(err, defender.ErrUncertain) || tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("%v, want ErrNotSent with %v", err, tt.cause)
			}
			if n := len(s.requests()); n != 0 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestCanceledAfterItArrivedIsUncertain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	s := startService(t, func(http.ResponseWriter, *http.Request) { cancel(); <-release })
	defer close(release)
	_, err := sendWrite(ctx, newWriter(t, s.config()), newDelete(t), nil)
	if !errors.Is(err, defender.ErrUncertain) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// roundTripFunc is a RoundTripper around another one.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whether a request was sent is decided by reads of its body. It holds for any transport, even one that fails first and
// reads the body afterwards.
func TestTheBodyProvesWhatLeft(t *testing.T) {
	broken := errors.New("broken transport")
	bodies := make(chan io.Reader, 1)
	for name, tt := range map[string]struct {
		transport roundTripFunc
		want      error
	}{
		"fails before reading": {func(r *http.Request) (*http.Response, error) { bodies <- r.Body; return nil, broken }, defender.ErrNotSent},
		"reads, then fails":    {func(r *http.Request) (*http.Response, error) { io.ReadAll(r.Body); return nil, broken }, defender.ErrUncertain},
		"reads one byte":       {func(r *http.Request) (*http.Response, error) { r.Body.Read(make([]byte, 1)); return nil, broken }, defender.ErrUncertain},
	} {
		cfg := startService(t, respond(200, bare)).config()
		cfg.HTTP = &http.Client{Transport: tt.transport}
		_, err := sendWrite(t.Context(), newWriter(t, cfg), newDelete(t), nil)
		if !errors.Is(err, tt.want) || !errors.Is(err, broken) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if data, err := io.ReadAll(<-bodies); err == nil || len(data) != 0 {
		t.Errorf("a body that was declared unsent gave %d bytes, %v", len(data), err)
	}
}

// GetBody lets net/http send a body again by itself, for example after a refused stream on HTTP/2.
func TestNetHTTPCannotSendAgain(t *testing.T) {
	s := startService(t, respondInTurn(respond(200, bare), dropConnection))
	cfg := s.config()
	cfg.HTTP = &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.GetBody != nil || r.ContentLength <= 0 || r.Header.Get("Idempotency-Key") != "" {
			t.Errorf("a request that could be repeated: %+v", r)
		}
		return http.DefaultTransport.RoundTrip(r) // keeps the first connection, which the server closes
	})}
	w := newWriter(t, cfg)
	if _, err := sendWrite(t.Context(), w, newUpdate(t, scanID, labScan(nil)), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := sendWrite(t.Context(), w, newUpdate(t, scanID, labScan(nil)), nil); !errors.Is(err, defender.ErrUncertain) {
		t.Errorf("%v", err)
	}
	if n := len(s.requests()); n != 2 {
		t.Errorf("two writes arrived %d times", n)
	}
}

// Without Config.HTTP, each write has a connection of its own.
func TestAWriteDoesNotReuseAConnection(t *testing.T) {
	var connections sync.Map
	s := startService(t, func(w http.ResponseWriter, r *http.Request) {
		connections.Store(r.RemoteAddr, true)
	})
	w := newWriter(t, s.config())
	for range 3 {
		if _, err := sendWrite(t.Context(), w, newDelete(t), nil); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	connections.Range(func(any, any) bool { n++; return true })
	if n != 3 {
		t.Errorf("three writes over %d connections", n)
	}
}
