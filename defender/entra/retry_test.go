package entra_test

import (
	"net/http"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

func TestTemporaryFailuresAreRetried(t *testing.T) {
	busy := fault{Status: http.StatusServiceUnavailable, Body: "<html>busy</html>"}
	cases := map[string]struct {
		answers  []fault
		signIns  int
		ok       bool
		min, max time.Duration // duration; max allows for jitter
	}{
		"twice busy":              {[]fault{busy, busy}, 3, true, 600 * time.Millisecond, time.Second},
		"three times busy":        {[]fault{busy, busy, busy}, 3, false, 600 * time.Millisecond, time.Second},
		"must wait":               {[]fault{throttled("7")}, 2, true, 7 * time.Second, 7 * time.Second},
		"must wait for a date":    {[]fault{throttled("Sat, 01 Jan 2000 00:00:09 GMT")}, 2, true, 9 * time.Second, 9 * time.Second},
		"must wait too long":      {[]fault{throttled("60")}, 1, false, 0, 0},
		"passing fault, 400":      {[]fault{refusal(400, "invalid_request", 90033)}, 2, true, 200 * time.Millisecond, 400 * time.Millisecond},
		"temporarily unavailable": {[]fault{refusal(400, "temporarily_unavailable", 1)}, 2, true, 200 * time.Millisecond, 400 * time.Millisecond},
		"refused":                 {[]fault{refusal(401, "invalid_client", 7000215)}, 1, false, 0, 0},
		"not implemented":         {[]fault{status(http.StatusNotImplemented)}, 1, false, 0, 0},
	}
	for kind, edit := range credentials(t) {
		for name, c := range cases {
			t.Run(kind+" "+name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, f *fakeTenant) {
					f.failNext(c.answers...)
					start := time.Now()
					_, err := getText(t.Context(), f.source(t, edit), false)
					if took := time.Since(start); (err == nil) != c.ok || took < c.min || took > c.max {
						t.Errorf("err = %v after %v; want success %v within %v to %v", err, took, c.ok, c.min, c.max)
					}
					wantTokenRequests(t, f, c.signIns)
					for _, form := range tokenForms(f) {
						wantCredential(t, kind, form)
					}
				})
			})
		}
	}
}

func TestPausesGrow(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		busy := status(http.StatusServiceUnavailable)
		f.failNext(busy, busy)
		wantToken(t, f.source(t, nil), false, "3")
		r := f.Tokens()
		first, second := r[1].Time.Sub(r[0].Time), r[2].Time.Sub(r[1].Time)
		if first < 200*time.Millisecond || first >= 400*time.Millisecond || second < 400*time.Millisecond || second >= 600*time.Millisecond {
			t.Errorf("paused %v, then %v", first, second)
		}
	})
}

func TestAnExpiredTokenIsNotAskedForTwiceAsOften(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		time.Sleep(time.Hour)
		busy := status(http.StatusServiceUnavailable)
		f.failNext(busy, busy, busy)
		wantSignInError(t, s, entra.Error{Status: 503, Temporary: true})
		wantTokenRequests(t, f, 4)
	})
}

func TestALongRetryAfterIsPassedOn(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"60": time.Minute, "9999999999999": 24 * time.Hour, "99999999999999999999999": 24 * time.Hour, "-5": 0, "soon": 0,
		"Sat, 01 Jan 2000 01:00:00 GMT": time.Hour, "Fri, 01 Jan 1999 00:00:00 GMT": 0, "Sat, 01 Jan 2050 01:00:00 GMT": 24 * time.Hour,
	} {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			throttled := throttled(header)
			f.failNext(throttled, throttled, throttled)
			problem := wantSignInError(t, f.source(t, nil), entra.Error{Status: 429, Temporary: true, RetryAfter: want})
			wantHint(t, problem, "throttling")
			if want == time.Minute {
				wantHint(t, problem, "; try again in 1m0s")
			}
		})
	}
}

func TestSilenceEndsTheSignIn(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.hang()
		start := time.Now()
		problem := wantSignInError(t, f.source(t, nil), entra.Error{Temporary: true})
		wantHint(t, problem, "did not answer in time")
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("gave up after %v, want 30s", took)
		}
		wantTokenRequests(t, f, 3)
	})
}

func TestASignInEndsEvenInAPause(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.setLatency(6 * time.Second)
		throttled := throttled("10")
		f.failNext(throttled, throttled, throttled)
		start := time.Now()
		wantSignInError(t, f.source(t, nil), entra.Error{Status: 429, Temporary: true, RetryAfter: 10 * time.Second})
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("gave up after %v, want 30s", took)
		}
		wantTokenRequests(t, f, 2)
	})
}
