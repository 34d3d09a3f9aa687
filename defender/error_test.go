package defender_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/defender"
)

// The error of a refused read is one line with the status, the message, the id to quote, and what to do.
func TestRefusedReads(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		kind   error
		want   string
	}{
		{400, "error-400-InvalidInput.derived", defender.ErrInvalid,
			"list scanners: 400 InvalidInput: Invalid input 10.0.0.999. (request 00000000-0000-4000-8000-000000000002); correct the field that the message names"},
		{400, "error-400-MaximumBatchSizeExceeded.derived", defender.ErrInvalid,
			"list scanners: 400 MaximumBatchSizeExceeded: Maximum batch size exceeded. Received: 600, allowed: 500. (request 00000000-0000-4000-8000-000000000003); name fewer ids at once"},
		{401, "error-401-Unauthorized.derived", defender.ErrSignIn,
			"list scanners: 401 Unauthorized: Unauthorized (invalid or expired authorization header). (request 00000000-0000-4000-8000-000000000005); check the tenant, the application and the token scope: the commercial cloud's is https://api.securitycenter.microsoft.com/.default, whatever the host"},
		{401, "error-401-no-tvm-license.derived", defender.ErrLicense,
			"list scanners: 401 Unauthorized: Unauthorized request - reason of failure: No Tvm license (request 00000000-0000-4000-8000-000000000006); assign a Defender Vulnerability Management license to the tenant, or have it activated; signing in again does not help"},
		{403, "error-403-missing-roles.derived", defender.ErrForbidden,
			"list scanners: 403 Forbidden: Missing application roles. API required roles: Machine.ReadWrite.All, application roles: Machine.Read.All. (request 00000000-0000-4000-8000-000000000007); grant Machine.ReadWrite.All of the API named WindowsDefenderATP to the app registration in Entra, with admin consent; a signed-in user also needs the Defender permission to manage security settings"},
		{403, "error-403-DisabledFeature.derived", defender.ErrForbidden,
			"list scanners: 403 DisabledFeature: Tenant feature is not enabled. (request 00000000-0000-4000-8000-000000000008); turn the feature on in the tenant's Defender settings, or ask an administrator to do so"},
		{404, "error-404-definition.derived", defender.ErrNotFound,
			"list scanners: 404 ResourceNotFound: Resource d14cefe1-0301-488c-ad17-a86c428c3727 was not found. (request 00000000-0000-4000-8000-000000000009); list the scans again, it may have been deleted; if lists fail too, check the cloud and region of the Defender URL"},
		{429, "error-429-TooManyRequests.derived", defender.ErrThrottled,
			"list scanners: 429 TooManyRequests: Quota limit reached. (request 00000000-0000-4000-8000-000000000010); try again in 1m0s; Defender allows 100 calls a minute and 1,500 an hour"},
		{500, "error-500-InternalServerError.derived", defender.ErrServer,
			"list scanners: 500 InternalServerError (request 00000000-0000-4000-8000-000000000011); try again in a few minutes; if it lasts, quote the request id to Microsoft"},
	} {
		s := startService(t, respond(tt.status, fixture(t, tt.body)))
		_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
		if e := asError(t, err); e.Error() != tt.want || !errors.Is(err, tt.kind) || e.Status != tt.status {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.body, err, tt.want)
		}
	}
}

func TestAForbiddenWriteNamesTheWritePermission(t *testing.T) {
	s := startService(t, respond(403, ""))
	_, err := sendWrite(t.Context(), newWriter(t, s.config()), newDelete(t), nil)
	if e := asError(t, err); !errors.Is(err, defender.ErrForbidden) || !strings.Contains(e.Next, "grant Machine.ReadWrite.All of") {
		t.Errorf("%v", err)
	}
}

// A malformed body never hides the status.
func TestTheStatusSurvivesAnyBody(t *testing.T) {
	for _, body := range []string{``, `<html><title>502</title>`, `{`, `null`, `[]`, `"text"`, `{"error":null}`, `{"error":7}`, `{"error":{"code":7}}`,
		"\xff\xfe", strings.Repeat("[", 20_000), `{"error":{"message":` + strings.Repeat(" ", 9<<20) + `"x"}}`} {
		s := startService(t, respond(404, body))
		_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
		if e := asError(t, err); e.Status != 404 || e.Kind != defender.ErrNotFound || !strings.Contains(err.Error(), "404 Not Found") {
			t.Errorf("%.30q: %v", body, err)
		}
	}
}

func TestOtherShapesOfErrorBodies(t *testing.T) {
	for body, want := range map[string]string{
		`{"statusCode":404,"message":"Resource not found"}`:      "Resource not found",
		`{"error":"plain text"}`:                                 "plain text",
		`{"Error":{"Code":"X","Message":"Pascal","Target":"t"}}`: "Pascal",
		`{"error":{"code":7,"message":"kept"}}`:                  "kept",
		`{"error":{"message":"inner"},"message":"outer"}`:        "inner",
	} {
		s := startService(t, respond(404, body))
		_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
		if e := asError(t, err); e.Message != want {
			t.Errorf("%s: message %q, want %q", body, e.Message, want)
		}
	}
}

func TestMessagesAreBoundedAndPrintable(t *testing.T) {
	s := startService(t, respond(404, `{"error":{"code":"`+strings.Repeat("c", 5000)+`","target":"`+strings.Repeat("t", 5000)+
		`","message":"one\ntwo\u0000\u001b[31m\u202egnp\u200b\u0085`+strings.Repeat("é", 5000)+`"}}`))
	_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
	e := asError(t, err)
	if want := "one two��[31m�gnp� " + strings.Repeat("é", 500-20) + "…"; !strings.HasPrefix(e.Message, want[:30]) || len([]rune(e.Message)) != 501 {
		t.Errorf("message of %d characters: %s", len([]rune(e.Message)), e.Message)
	}
	if len(e.Code) > 110 || len(e.RequestID) > 110 || len([]rune(err.Error())) > 1200 {
		t.Errorf("code %d, request %d, error %d bytes", len(e.Code), len(e.RequestID), len(err.Error()))
	}
}

// The advice repeats names of roles from the response. It must repeat nothing else.
func TestForgedRolesAreNotAdvice(t *testing.T) {
	s := startService(t, respond(403, `{"error":{"message":"API required roles: run rm -rf, then Global.Admin, application roles: none"}}`))
	_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
	if e := asError(t, err); !strings.HasPrefix(e.Next, "grant Machine.Read.All of") {
		t.Errorf("advice %q", e.Next)
	}
	s = startService(t, respond(403, `{"error":{"message":"API required roles: A.Read,B.Read.All, application roles: none"}}`))
	_, err = newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
	if e := asError(t, err); !strings.HasPrefix(e.Next, "grant A.Read,B.Read.All of") {
		t.Errorf("advice %q", e.Next)
	}
}

func TestAnEchoedTokenIsNotRepeated(t *testing.T) {
	s := startService(t, respond(400, `{"error":{"code":"token","message":"bad header: Bearer token!","target":"token"}}`))
	_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
	if strings.Contains(err.Error(), "token") {
		t.Errorf("%v", err)
	}
}

func TestAMissingResponseIsExplained(t *testing.T) {
	s := startService(t, respond(200, emptyList))
	cfg := s.config()
	s.Close()
	_, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{})
	if e := asError(t, err); e.Status != 0 || e.Kind != nil || !strings.Contains(err.Error(), "connection refused") || e.Next == "" {
		t.Errorf("%v", err)
	}
}

func TestTheDeadlineShowsThrough(t *testing.T) {
	release := make(chan struct{})
	s := startService(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := newClient(t, s.config()).Scanners(ctx, defender.Actor{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestErrorByHand(t *testing.T) {
	for want, e := range map[string]*defender.Error{
		"":                                  {},
		"add scan: nothing was sent":        {Op: "add scan", Kind: defender.ErrNotSent},
		"200 OK: outcome unknown; look":     {Status: 200, Kind: defender.ErrUncertain, Next: "look"},
		"x: 404 NotFound: gone (request 1)": {Op: "x", Status: 404, Code: "NotFound", Message: "gone", RequestID: "1", Kind: defender.ErrNotFound},
		"x: 799: odd":                       {Op: "x", Status: 799, Message: "odd"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if e.Kind != nil && !errors.Is(e, e.Kind) || errors.Is(e, io.EOF) {
			t.Errorf("%v does not unwrap to its kind alone", e)
		}
	}
}

// TestSignInAdvice replaces the advice for a refused token, of a read and of a write, and no other.
func TestSignInAdvice(t *testing.T) {
	const advice = "set the token that this service wants"
	for body, want := range map[string]bool{"error-401-Unauthorized.derived": true, "error-401-no-tvm-license.derived": false} {
		s := startService(t, respond(401, fixture(t, body)))
		cfg := s.config()
		cfg.SignInAdvice = advice
		_, err := newClient(t, cfg).Scanners(t.Context(), defender.Actor{})
		if e := asError(t, err); (e.Next == advice) != want {
			t.Errorf("%s: the advice for a read is %q", body, e.Next)
		}
		_, err = sendWrite(t.Context(), newWriter(t, cfg), newDelete(t), nil)
		if e := asError(t, err); (e.Next == advice) != want {
			t.Errorf("%s: the advice for a write is %q", body, e.Next)
		}
	}
}
