package defender_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"scanwarden/defender"
)

// service is a real HTTP server that records the requests.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	received []receivedRequest
}

type receivedRequest struct{ Method, URI, Token, Accept, Type, Agent, Body string }

func startService(t testing.TB, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header
		s.mu.Lock()
		s.received = append(s.received, receivedRequest{r.Method, r.RequestURI, h.Get("Authorization"), h.Get("Accept"),
			h.Get("Content-Type"), h.Get("User-Agent"), string(body)})
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// requests returns the requests so far.
func (s *service) requests() []receivedRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

// takeRequests returns the requests since the last call and deletes them, for tests that make very many.
func (s *service) takeRequests() []receivedRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.received
	s.received = nil
	return calls
}

// config returns a Config for the service. Its token is "token", or "fresh" after a 401, and it never waits.
func (s *service) config() defender.Config {
	return defender.Config{
		URL: s.URL,
		Token: func(_ context.Context, ask defender.TokenRequest) (string, error) {
			if ask.Fresh {
				return "fresh", nil
			}
			return "token", nil
		},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func newClient(t testing.TB, cfg defender.Config) *defender.Client {
	t.Helper()
	c, err := defender.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWriter(t testing.TB, cfg defender.Config) *defender.Writer {
	t.Helper()
	w, err := defender.NewWriter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// sendWrite prepares a write and sends it as the executor does, with a new token if the first is refused.
func sendWrite(ctx context.Context, w *defender.Writer, write defender.Write, auth *defender.Authentication) (defender.Receipt, error) {
	p, err := w.Prepare(ctx, defender.Actor{}, write, auth)
	if err != nil {
		return defender.Receipt{}, err
	}
	receipt, err := p.Send(ctx)
	if errors.Is(err, defender.ErrTokenRefused) {
		if err := p.Renew(ctx); err != nil {
			return defender.Receipt{}, err
		}
		receipt, err = p.Send(ctx)
	}
	return receipt, err
}

// respond returns a handler with the same response to every request.
func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// respondInTurn returns a handler that calls the next of answers for each request, and the last one for all further ones.
func respondInTurn(answers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		next := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		mu.Unlock()
		next(w, r)
	}
}

// dropConnection cuts the connection without a response.
func dropConnection(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func fixture(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// compactJSON returns body without white space, with its fields in order.
func compactJSON(t testing.TB, body string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(body)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// asError returns err as an *Error, which every error of the package must be.
func asError(t testing.TB, err error) *defender.Error {
	t.Helper()
	e, ok := errors.AsType[*defender.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want a *defender.Error", err, err)
	}
	return e
}

func ptr[T any](v T) *T { return &v }
