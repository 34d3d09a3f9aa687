package defender_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"scanwarden/defender"
)

const empty = `{"value":[]}`

func throttles(retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(429)
		io.WriteString(w, `{"error":{"code":"TooManyRequests","message":"Quota limit reached.","target":"10"}}`)
	}
}

// patient returns a config that notes its waits instead of waiting.
func patient(s *service) (defender.Config, *[]time.Duration) {
	cfg, waits := s.config(), new([]time.Duration)
	cfg.Pause = func(ctx context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return ctx.Err()
	}
	return cfg, waits
}

func TestAReadIsTriedAgain(t *testing.T) {
	for name, trouble := range map[string]http.HandlerFunc{
		"500": says(500, ""), "502": says(502, "<html>"), "503": says(503, ""), "504": says(504, ""), "429": throttles("1"),
		"no answer": hangUp,
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"value":[`)
		},
	} {
		for method, read := range map[string]func(*defender.Client) error{
			"GET":  func(c *defender.Client) error { _, err := c.Scanners(t.Context()); return err },
			"POST": func(c *defender.Client) error { _, err := c.RunsBySession(t.Context(), []string{"s"}); return err },
		} {
			t.Run(name+" to a "+method, func(t *testing.T) {
				s := serve(t, inTurn(trouble, trouble, trouble, says(200, empty)))
				if err := read(newClient(t, s.config())); err != nil {
					t.Errorf("after three bad answers: %v", err)
				}
				s = serve(t, trouble)
				if err := read(newClient(t, s.config())); err == nil {
					t.Error("no error after four bad answers")
				}
				if calls := s.asked(); len(calls) != 4 || calls[3] != calls[0] {
					t.Errorf("%d calls, want the same one four times: %+v", len(calls), calls)
				}
			})
		}
	}
}

func TestWhatWillNotPassIsNotTriedAgain(t *testing.T) {
	for _, status := range []int{204, 301, 302, 307, 308, 400, 403, 404, 405, 409, 418, 501, 505} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", s307)
			w.WriteHeader(status)
		})
		_, err := newClient(t, s.config()).Scanners(t.Context())
		if e := asError(t, err); e.Status != status || e.Next == "" || len(s.asked()) != 1 {
			t.Errorf("%d: %d calls, %+v", status, len(s.asked()), e)
		}
	}
}

const s307 = "/elsewhere"

func TestARedirectIsAnErrorAndTheTokenGoesNowhere(t *testing.T) {
	elsewhere := serve(t, says(200, empty))
	for _, location := range []string{elsewhere.URL + "/api/DeviceAuthenticatedScanAgents", "http://[broken", ""} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{location}
			w.WriteHeader(307)
		})
		_, err := newClient(t, s.config()).RunsBySession(t.Context(), []string{"s"})
		if e := asError(t, err); e.Status != 307 || !strings.Contains(e.Next, "redirects are not followed") {
			t.Errorf("redirect to %q: %v", location, err)
		}
	}
	if n := len(elsewhere.asked()); n != 0 {
		t.Errorf("the redirect was followed %d times", n)
	}
}

func TestBackoffGrows(t *testing.T) {
	s := serve(t, says(503, ""))
	cfg, waits := patient(s)
	if _, err := newClient(t, cfg).Scanners(t.Context()); !errors.Is(err, defender.ErrServer) {
		t.Errorf("error %v, want ErrServer", err)
	}
	if len(*waits) != 3 {
		t.Fatalf("waited %v, want three times", *waits)
	}
	for i, d := range *waits {
		if middle := 500 * time.Millisecond << i; d < middle/2 || d >= middle*3/2 {
			t.Errorf("wait %d was %v, want %v give or take a half", i+1, d, middle)
		}
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	soon := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	past := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for value, want := range map[string][2]time.Duration{
		"7":    {7 * time.Second, 7 * time.Second},
		"120":  {2 * time.Minute, 2 * time.Minute},
		soon:   {80 * time.Second, 90 * time.Second},
		"":     {time.Minute, time.Minute},
		"soon": {time.Minute, time.Minute},
		"-5":   {time.Minute, time.Minute},
		"0":    {time.Millisecond, time.Second}, // at once: still back off
		past:   {time.Millisecond, time.Second},
		" 3 ":  {3 * time.Second, 3 * time.Second},
	} {
		s := serve(t, inTurn(throttles(value), says(200, empty)))
		cfg, waits := patient(s)
		var until time.Time
		cfg.Throttled = func(_ context.Context, u time.Time) { until = u }
		before := time.Now()
		if _, err := newClient(t, cfg).Scanners(t.Context()); err != nil || len(*waits) != 1 {
			t.Errorf("%q: %v, waits %v", value, err, *waits)
			continue
		}
		if w := (*waits)[0]; w < want[0] || w > want[1] {
			t.Errorf("%q: waited %v, want %v to %v", value, w, want[0], want[1])
		}
		if told := until.Sub(before); told < (*waits)[0]-time.Second || told > (*waits)[0]+20*time.Second {
			t.Errorf("%q: Throttled was told %v from now, want about %v", value, told, (*waits)[0])
		}
	}
}

func TestAWaitThatIsTooLongIsNotBegun(t *testing.T) {
	short, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for name, tt := range map[string]struct {
		ctx    context.Context
		answer http.HandlerFunc
		kind   error
		after  time.Duration
	}{
		"past the bound":       {t.Context(), throttles("121"), defender.ErrThrottled, 121 * time.Second},
		"past the deadline":    {short, throttles("30"), defender.ErrThrottled, 30 * time.Second},
		"silent, and past it":  {short, throttles(""), defender.ErrThrottled, time.Minute},
		"absurd":               {t.Context(), throttles("99999999999999999999"), defender.ErrThrottled, 24 * time.Hour},
		"long":                 {t.Context(), throttles("1999999999"), defender.ErrThrottled, 24 * time.Hour},
		"a 503 that says when": {t.Context(), unavailableFor("300"), defender.ErrServer, 300 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tt.answer)
			cfg, waits := patient(s)
			_, err := newClient(t, cfg).Scanners(tt.ctx)
			if e := asError(t, err); !errors.Is(err, tt.kind) || e.RetryAfter != tt.after || e.Next == "" {
				t.Errorf("error %v (after %v), want %v after %v", err, e.RetryAfter, tt.kind, tt.after)
			}
			if len(*waits) != 0 || len(s.asked()) != 1 {
				t.Errorf("waited %v, called %d times", *waits, len(s.asked()))
			}
		})
	}
}

func unavailableFor(seconds string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(503)
	}
}

func TestGivingUpWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, throttles("100"))
	cfg := s.config()
	cfg.Throttled = func(context.Context, time.Time) { cancel() }
	cfg.Pause = nil // the real timer, which must not be sat out
	_, err := newClient(t, cfg).Scanners(ctx)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, defender.ErrThrottled) || len(s.asked()) != 1 {
		t.Errorf("error %v after %d calls, want both the throttling and the cancelling", err, len(s.asked()))
	}
}

func TestTheRealTimerComesToAnEnd(t *testing.T) {
	s := serve(t, inTurn(says(503, ""), says(200, empty)))
	cfg := s.config()
	cfg.Pause = nil
	if _, err := newClient(t, cfg).Scanners(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEveryTryTakesItsTurn(t *testing.T) {
	s := serve(t, inTurn(says(503, ""), says(401, ""), says(503, ""), says(200, empty)))
	cfg := s.config()
	turns := 0
	cfg.Budget = func(_ context.Context, write bool) error {
		if write {
			t.Error("a read went ahead of reads")
		}
		turns++
		return nil
	}
	if _, err := newClient(t, cfg).RunsBySession(t.Context(), []string{"s"}); err != nil || turns != len(s.asked()) || turns != 4 {
		t.Errorf("%d turns for %d calls, %v", turns, len(s.asked()), err)
	}
}

func TestNoTurnNoCall(t *testing.T) {
	s := serve(t, says(200, empty))
	cfg := s.config()
	full := errors.New("the hour is used up; try again at ten")
	cfg.Budget = func(context.Context, bool) error { return full }
	_, err := newClient(t, cfg).Scanners(t.Context())
	if !errors.Is(err, full) || !strings.Contains(err.Error(), full.Error()) || len(s.asked()) != 0 {
		t.Errorf("error %v after %d calls", err, len(s.asked()))
	}
}

func TestA401IsAnsweredWithAFreshTokenOnce(t *testing.T) {
	refusal := fixture(t, "error-401-Unauthorized.derived")
	s := serve(t, inTurn(says(401, refusal), says(200, empty)))
	if _, err := newClient(t, s.config()).Scanners(t.Context()); err != nil {
		t.Errorf("with a fresh token: %v", err)
	}
	if calls := s.asked(); len(calls) != 2 || calls[0].Token != "Bearer token" || calls[1].Token != "Bearer fresh" {
		t.Errorf("calls %+v", calls)
	}
	s = serve(t, says(401, refusal))
	_, err := newClient(t, s.config()).Scanners(t.Context())
	if !errors.Is(err, defender.ErrSignIn) || len(s.asked()) != 2 {
		t.Errorf("error %v after %d calls, want ErrSignIn after 2", err, len(s.asked()))
	}
}

func TestALicence401DoesNotLoop(t *testing.T) {
	for _, body := range []string{
		fixture(t, "error-401-no-tvm-license.derived"),
		`{"error":{"code":"Unauthorized","message":"Account mode is inactive"}}`,
	} {
		s := serve(t, says(401, body))
		_, err := newClient(t, s.config()).Scanners(t.Context())
		if !errors.Is(err, defender.ErrLicence) || errors.Is(err, defender.ErrSignIn) || len(s.asked()) != 1 {
			t.Errorf("error %v after %d calls, want ErrLicence after 1", err, len(s.asked()))
		}
	}
}

func TestNoTokenNoCall(t *testing.T) {
	s := serve(t, says(200, empty))
	broken := errors.New("AADSTS7000215: the client secret is wrong")
	for name, token := range map[string]func(context.Context, bool) (string, error){
		"error":                                  func(context.Context, bool) (string, error) { return "", broken },
		"empty":                                  func(context.Context, bool) (string, error) { return "", nil },
		"line break, which would forge a header": func(context.Context, bool) (string, error) { return "t\r\nX: y", nil },
	} {
		cfg := s.config()
		cfg.Token = token
		_, err := newClient(t, cfg).Scanners(t.Context())
		if err == nil || len(s.asked()) != 0 || strings.Contains(err.Error(), "X: y") {
			t.Errorf("%s: %v after %d calls", name, err, len(s.asked()))
		}
		if name == "error" && !errors.Is(err, broken) {
			t.Errorf("%v does not wrap its cause", err)
		}
	}
}

func TestCancelledReadsAreNotTriedAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(http.ResponseWriter, *http.Request) { cancel(); panic(http.ErrAbortHandler) })
	_, err := newClient(t, s.config()).Scanners(ctx)
	if !errors.Is(err, context.Canceled) || len(s.asked()) != 1 {
		t.Errorf("error %v after %d calls", err, len(s.asked()))
	}
}

func TestPagesAreFollowed(t *testing.T) {
	var s *service
	s = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RawQuery {
		case "":
			io.WriteString(w, `{"value":[{"id":"1"}],"@odata.nextLink":"`+s.URL+r.URL.Path+`?$skiptoken=a%20b"}`)
		case "$skiptoken=a%20b":
			io.WriteString(w, `{"value":[{"id":"2"}],"@odata.nextLink":"?$skip=2"}`)
		default:
			io.WriteString(w, `{"value":[{"id":"3"}]}`)
		}
	})
	got, err := newClient(t, s.config()).Definitions(t.Context())
	if err != nil || len(got) != 3 {
		t.Fatalf("%d definitions, %v", len(got), err)
	}
	if uri := s.asked()[2].URI; uri != "/api/DeviceAuthenticatedScanDefinitions?$skip=2" {
		t.Errorf("the last page was %s", uri)
	}
}

func TestAHistoryReadStopsAtTop(t *testing.T) {
	s := serve(t, says(200, `{"value":[{"sessionId":"1"},{"sessionId":"2"}],"@odata.nextLink":"?$skip=2"}`))
	got, err := newClient(t, s.config()).RunsByDefinition(t.Context(), []string{"a"}, defender.Page{Top: 3})
	if err != nil || len(got) != 3 || len(s.asked()) != 2 {
		t.Errorf("%d runs from %d pages, %v", len(got), len(s.asked()), err)
	}
	if calls := s.asked(); calls[1].Method != "POST" || calls[1].Body != calls[0].Body {
		t.Errorf("the second page was asked for by %+v", calls[1])
	}
}

// A next link comes from outside. It must take neither the token to another host nor a history read, whose body
// names definitions, to the delete of them.
func TestANextLinkLeadsNowhereElse(t *testing.T) {
	elsewhere := serve(t, says(200, empty))
	const history = "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId"
	for name, link := range map[string]func(own string) string{
		"host":      func(string) string { return elsewhere.URL + history },
		"scheme":    func(own string) string { return strings.Replace(own, "http:", "https:", 1) + history },
		"no scheme": func(string) string { return strings.TrimPrefix(elsewhere.URL, "http:") + history },
		"user": func(own string) string {
			return "http://" + strings.TrimPrefix(own, "http://") + "@example.com" + history
		},
		"delete":     func(own string) string { return own + "/api/DeviceAuthenticatedScanDefinitions/BatchDelete" },
		"relative":   func(string) string { return "BatchDelete" },
		"dots":       func(own string) string { return own + history + "/../BatchDelete" },
		"encoded":    func(own string) string { return own + history + "/%2e%2e/BatchDelete" },
		"unreadable": func(string) string { return "http://[broken" },
	} {
		t.Run(name, func(t *testing.T) {
			var s *service
			s = serve(t, func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, `{"value":[{"sessionId":"1"}],"@odata.nextLink":`+strconv.Quote(link(s.URL))+`}`)
			})
			got, err := newClient(t, s.config()).RunsByDefinition(t.Context(), []string{"a"}, defender.Page{})
			if e := asError(t, err); got != nil || e.Next == "" || !strings.Contains(e.Message, "another host or path") {
				t.Errorf("%v, %v", got, err)
			}
			for _, call := range s.asked() {
				if call.URI != history {
					t.Errorf("asked %s %s", call.Method, call.URI)
				}
			}
		})
	}
	if n := len(elsewhere.asked()); n != 0 {
		t.Errorf("%d calls went to another host", n)
	}
}

func TestAListWithoutEndIsAnError(t *testing.T) {
	for name, tt := range map[string]struct {
		value string
		calls int
	}{
		"pages": {`{}`, 100},
		"items": {strings.Repeat(`{},`, 29_999) + `{}`, 2},
	} {
		s := serve(t, says(200, `{"value":[`+tt.value+`],"@odata.nextLink":"?again"}`))
		_, err := newClient(t, s.config()).Scanners(t.Context())
		if e := asError(t, err); !strings.Contains(e.Message, "does not end") || len(s.asked()) != tt.calls {
			t.Errorf("%s: %v after %d calls, want %d", name, err, len(s.asked()), tt.calls)
		}
	}
}
