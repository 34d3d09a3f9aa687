package entra_test

import (
	"net/http"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

func TestPassingFailuresAreTriedAgain(t *testing.T) {
	busy := answer{status: http.StatusServiceUnavailable, body: "<html>busy</html>"}
	wait := func(value string) answer { return answer{status: http.StatusTooManyRequests, retryAfter: value} }
	cases := map[string]struct {
		answers  []answer
		signIns  int
		ok       bool
		min, max time.Duration // how long it takes; max leaves room for jitter
	}{
		"twice busy":              {[]answer{busy, busy}, 3, true, 600 * time.Millisecond, time.Second},
		"three times busy":        {[]answer{busy, busy, busy}, 3, false, 600 * time.Millisecond, time.Second},
		"told to wait":            {[]answer{wait("7")}, 2, true, 7 * time.Second, 7 * time.Second},
		"told a date":             {[]answer{wait("Sat, 01 Jan 2000 00:00:09 GMT")}, 2, true, 9 * time.Second, 9 * time.Second},
		"told to wait too long":   {[]answer{wait("60")}, 1, false, 0, 0},
		"passing fault, 400":      {[]answer{refusal(400, "invalid_request", 90033)}, 2, true, 200 * time.Millisecond, 400 * time.Millisecond},
		"temporarily unavailable": {[]answer{refusal(400, "temporarily_unavailable", 1)}, 2, true, 200 * time.Millisecond, 400 * time.Millisecond},
		"refused":                 {[]answer{refusal(401, "invalid_client", 7000215)}, 1, false, 0, 0},
		"not implemented":         {[]answer{{status: http.StatusNotImplemented}}, 1, false, 0, 0},
	}
	for proof, edit := range proofs(t) {
		for name, c := range cases {
			t.Run(proof+" "+name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, f *fakeEntra) {
					f.answerNext(c.answers...)
					start := time.Now()
					_, err := textOf(t.Context(), f.source(t, edit), false)
					if took := time.Since(start); (err == nil) != c.ok || took < c.min || took > c.max {
						t.Errorf("err = %v after %v; want success %v within %v to %v", err, took, c.ok, c.min, c.max)
					}
					wantSignIns(t, f, c.signIns)
					for _, form := range formsOf(f) {
						wantProof(t, proof, form)
					}
				})
			})
		}
	}
}

func TestPausesGrow(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		busy := answer{status: http.StatusServiceUnavailable}
		f.answerNext(busy, busy)
		wantToken(t, f.source(t, nil), false, "3")
		first, second := f.arrived[1].Sub(f.arrived[0]), f.arrived[2].Sub(f.arrived[1])
		if first < 200*time.Millisecond || first >= 400*time.Millisecond || second < 400*time.Millisecond || second >= 600*time.Millisecond {
			t.Errorf("paused %v, then %v", first, second)
		}
	})
}

func TestAnExpiredTokenIsNotAskedForTwiceAsOften(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		time.Sleep(time.Hour)
		busy := answer{status: http.StatusServiceUnavailable}
		f.answerNext(busy, busy, busy)
		wantError(t, s, entra.Error{Status: 503, Temporary: true})
		wantSignIns(t, f, 4)
	})
}

func TestALongRetryAfterIsPassedOn(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"60": time.Minute, "9999999999999": 24 * time.Hour, "99999999999999999999999": 24 * time.Hour, "-5": 0, "soon": 0,
		"Sat, 01 Jan 2000 01:00:00 GMT": time.Hour, "Fri, 01 Jan 1999 00:00:00 GMT": 0, "Sat, 01 Jan 2050 01:00:00 GMT": 24 * time.Hour,
	} {
		inBubble(t, func(t *testing.T, f *fakeEntra) {
			throttled := answer{status: http.StatusTooManyRequests, retryAfter: header}
			f.answerNext(throttled, throttled, throttled)
			problem := wantError(t, f.source(t, nil), entra.Error{Status: 429, Temporary: true, RetryAfter: want})
			wantHint(t, problem, "asked too often")
			if want == time.Minute {
				wantHint(t, problem, "; try again in 1m0s")
			}
		})
	}
}

func TestSilenceEndsTheSignIn(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		f.set(func(f *fakeEntra) { f.hang = true })
		start := time.Now()
		problem := wantError(t, f.source(t, nil), entra.Error{Temporary: true})
		wantHint(t, problem, "did not answer in time")
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("gave up after %v, want 30s", took)
		}
		wantSignIns(t, f, 3)
	})
}

func TestASignInEndsEvenInAPause(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		f.set(func(f *fakeEntra) { f.latency = 6 * time.Second })
		throttled := answer{status: http.StatusTooManyRequests, retryAfter: "10"}
		f.answerNext(throttled, throttled, throttled)
		start := time.Now()
		wantError(t, f.source(t, nil), entra.Error{Status: 429, Temporary: true, RetryAfter: 10 * time.Second})
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("gave up after %v, want 30s", took)
		}
		wantSignIns(t, f, 2)
	})
}
