package defender_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"scanwarden/defender"
)

const emptyList = `{"value":[]}`

func respondThrottled(retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(429)
		io.WriteString(w, `{"error":{"code":"TooManyRequests","message":"Quota limit reached.","target":"10"}}`)
	}
}

// recordWaits returns a config that records the waits instead of waiting.
func recordWaits(s *service) (defender.Config, *[]time.Duration) {
	cfg, waits := s.config(), new([]time.Duration)
	cfg.Sleep = func(ctx context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return ctx.Err()
	}
	return cfg, waits
}

func TestAReadIsRetried(t *testing.T) {
	for name, trouble := range map[string]http.HandlerFunc{
		"500": respond(500, ""), "502": respond(502, "<html>"), "503": respond(503, ""), "504": respond(504, ""), "429": respondThrottled("1"),
		"no response": dropConnection,
		"half a response": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"value":[`)
		},
	} {
		for method, read := range map[string]func(*defender.Client) error{
			"GET": func(c *defender.Client) error { _, err := c.Scanners(t.Context(), defender.Actor{}); return err },
			"POST": func(c *defender.Client) error {
				_, err := c.RunsBySession(t.Context(), defender.Actor{}, []string{"s"})
				return err
			},
		} {
			t.Run(name+" to a "+method, func(t *testing.T) {
				s := startService(t, respondInTurn(trouble, trouble, trouble, respond(200, emptyList)))
				if err := read(newClient(t, s.config())); err != nil {
					t.Errorf("after three bad responses: %v", err)
				}
				s = startService(t, trouble)
				if err := read(newClient(t, s.config())); err == nil {
					t.Error("no error after four bad responses")
				}
				if calls := s.requests(); len(calls) != 4 || calls[3] != calls[0] {
					t.Errorf("%d calls, want the same one four times: %+v", len(calls), calls)
				}
			})
		}
	}
}

func TestPermanentErrorsAreNotRetried(t *testing.T) {
	for _, status := range []int{202, 203, 204, 206, 301, 302, 307, 308, 400, 403, 404, 405, 409, 418, 501, 505} {
		s := startService(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			io.WriteString(w, emptyList) // not read: a 206 may be a part of a list
		})
		_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
		if e := asError(t, err); e.Status != status || e.Next == "" || len(s.requests()) != 1 {
			t.Errorf("%d: %d calls, %+v", status, len(s.requests()), e)
		}
	}
}

func TestBackoffGrows(t *testing.T) {
	s := startService(t, respond(503, ""))
	cfg, waits := recordWaits(s)
	if _, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{}); !errors.Is(err, defender.ErrServer) {
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
		soon:   {30 * time.Second, 90 * time.Second},
		"":     {time.Minute, time.Minute},
		"soon": {time.Minute, time.Minute},
		"-5":   {time.Minute, time.Minute},
		"0":    {time.Millisecond, time.Second}, // there is still a backoff
		past:   {time.Millisecond, time.Second},
		" 3 ":  {3 * time.Second, 3 * time.Second},
	} {
		s := startService(t, respondInTurn(respondThrottled(value), respond(200, emptyList)))
		cfg, waits := recordWaits(s)
		var until time.Time
		cfg.OnThrottled = func(_ context.Context, u time.Time) { until = u }
		before := time.Now()
		if _, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{}); err != nil || len(*waits) != 1 {
			t.Errorf("%q: %v, waits %v", value, err, *waits)
			continue
		}
		if w := (*waits)[0]; w < want[0] || w > want[1] {
			t.Errorf("%q: waited %v, want %v to %v", value, w, want[0], want[1])
		}
		if pause := until.Sub(before); pause < (*waits)[0]-time.Second || pause > (*waits)[0]+time.Minute {
			t.Errorf("%q: OnThrottled got %v from now, want about %v", value, pause, (*waits)[0])
		}
	}
}

func TestATooLongWaitIsNotStarted(t *testing.T) {
	short, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for name, tt := range map[string]struct {
		ctx    context.Context
		answer http.HandlerFunc
		kind   error
		after  time.Duration
	}{
		"past the bound":      {t.Context(), respondThrottled("121"), defender.ErrThrottled, 121 * time.Second},
		"past the deadline":   {short, respondThrottled("30"), defender.ErrThrottled, 30 * time.Second},
		"silent, and past it": {short, respondThrottled(""), defender.ErrThrottled, time.Minute},
		"absurd":              {t.Context(), respondThrottled("99999999999999999999"), defender.ErrThrottled, 24 * time.Hour},
		"long":                {t.Context(), respondThrottled("1999999999"), defender.ErrThrottled, 24 * time.Hour},
		"a 503 with a wait":   {t.Context(), respondUnavailable("300"), defender.ErrServer, 300 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := startService(t, tt.answer)
			cfg, waits := recordWaits(s)
			_, err := newClient(t, cfg).Scanners(tt.ctx, defender.Actor{})
			if e := asError(t, err); !errors.Is(err, tt.kind) || e.RetryAfter != tt.after || e.Next == "" {
				t.Errorf("error %v (after %v), want %v after %v", err, e.RetryAfter, tt.kind, tt.after)
			}
			if len(*waits) != 0 || len(s.requests()) != 1 {
				t.Errorf("waited %v, called %d times", *waits, len(s.requests()))
			}
		})
	}
}

func respondUnavailable(seconds string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(503)
	}
}

func TestGivingUpWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := startService(t, respondThrottled("100"))
	cfg := s.config()
	cfg.OnThrottled = func(context.Context, time.Time) { cancel() }
	cfg.Sleep = nil // the real timer, which must end with ctx
	_, err := newClient(t, cfg).Scanners(ctx, defender.Actor{})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, defender.ErrThrottled) || len(s.requests()) != 1 {
		t.Errorf("error %v after %d calls, want both ErrThrottled and context.Canceled", err, len(s.requests()))
	}
}

func TestTheRealTimerComesToAnEnd(t *testing.T) {
	s := startService(t, respondInTurn(respond(503, ""), respond(200, emptyList)))
	cfg := s.config()
	cfg.Sleep = nil
	if _, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{}); err != nil {
		t.Error(err)
	}
}

func TestCanceledReadsAreNotRetried(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := startService(t, func(http.ResponseWriter, *http.Request) { cancel(); panic(http.ErrAbortHandler) })
	_, err := newClient(t, s.config()).Scanners(ctx, defender.Actor{})
	if !errors.Is(err, context.Canceled) || len(s.requests()) != 1 {
		t.Errorf("error %v after %d calls", err, len(s.requests()))
	}
}
