package defender_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/defender"
)

const (
	scanID = "d14cefe1-0301-488c-ad17-a86c428c3727"
	bare   = `{"id":"` + scanID + `","scanName":"Lab switches"}`
)

// coreCredential returns a named credential with every secret of the printed example.
func coreCredential() *defender.Authentication {
	return &defender.Authentication{Credential: "core-snmp", Fingerprint: "f00d", Type: "AuthPriv", Username: "username",
		AuthProtocol: "authProtocol", AuthPassword: defender.NewSecret("authPassword"), PrivProtocol: "privProtocol",
		PrivPassword: defender.NewSecret("privPassword"), CommunityString: defender.NewSecret("community-string")}
}

// The bytes that arrive are those of the documented examples, field for field, secrets included.
func TestWhatArrivesIsWhatIsDocumented(t *testing.T) {
	const placeholder = "PLACEHOLDER"
	secret := defender.NewSecret(placeholder)
	ref := func(a defender.Authentication) *defender.Authentication {
		a.Credential, a.Fingerprint = "core-snmp", "f00d"
		return &a
	}
	community := ref(defender.Authentication{Type: "CommunityString", CommunityString: secret})
	noPriv := ref(defender.Authentication{Type: "AuthNoPriv", Username: placeholder, AuthProtocol: "SHA1", AuthPassword: secret})
	private := ref(defender.Authentication{Type: "AuthPriv", Username: placeholder, AuthProtocol: "SHA1", AuthPassword: secret, PrivProtocol: "AES", PrivPassword: secret})
	const collection = "/api/DeviceAuthenticatedScanDefinitions"
	for name, tt := range map[string]struct {
		write     defender.Write
		auth      *defender.Authentication
		want, uri string
	}{
		"add-network-authpriv.new-page.request":       {newAdd(t, exampleScan("Network", "127.0.0.1", coreCredential())), coreCredential(), "POST", collection},
		"add-network-authnopriv.request.derived":      {newAdd(t, labScan(noPriv)), noPriv, "POST", collection},
		"add-network-authpriv.request.derived":        {newAdd(t, labScan(private)), private, "POST", collection},
		"add-network-communitystring.request.derived": {newAdd(t, labScan(community)), community, "POST", collection},
		"add-windows.old-page.request.repaired":       {newAdd(t, exampleScan("Windows", "127.0.0.1", windowsAuth())), nil, "POST", collection},
		"update-network.new-page.request":             {newUpdate(t, scanID, exampleScan("Network", "127.0.0.1,127.0.0.2", coreCredential())), coreCredential(), "PATCH", collection + "/" + scanID},
		"batch-delete.request.repaired":               {newDelete(t), nil, "POST", collection + "/BatchDelete"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := bare
			if tt.auth == nil && strings.HasPrefix(name, "batch-delete") {
				answer = ""
			}
			s := startService(t, respond(200, answer))
			if _, err := sendWrite(t.Context(), newWriter(t, s.config()), tt.write, tt.auth); err != nil {
				t.Fatal(err)
			}
			want := receivedRequest{tt.want, tt.uri, "Bearer token", "application/json", "application/json", "scanwarden", compactJSON(t, fixture(t, name))}
			if calls := s.requests(); len(calls) != 1 || calls[0] != want {
				t.Errorf("arrived %+v\nwant %+v", calls, want)
			}
		})
	}
}

// Prepare waits for the rate limit and the token, so a check between Prepare and Send is followed by no wait.
func TestNothingIsWaitedForBetweenPrepareAndSend(t *testing.T) {
	var order []string
	s := startService(t, respond(204, ""))
	cfg := s.config()
	cfg.RateLimit = func(context.Context, defender.Call) error { order = append(order, "turn"); return nil }
	cfg.Token = func(context.Context, defender.TokenRequest) (string, error) {
		order = append(order, "token")
		return "token", nil
	}
	p, err := newWriter(t, cfg).Prepare(t.Context(), defender.Actor{}, newDelete(t), nil)
	if err != nil || len(s.requests()) != 0 {
		t.Fatalf("Prepare: %d requests arrived, %v", len(s.requests()), err)
	}
	order = append(order, "check")
	if _, err := p.Send(t.Context()); err != nil {
		t.Error(err)
	}
	if got := strings.Join(order, " "); got != "turn token check" {
		t.Errorf("the order is %q", got)
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests arrived, want 1", n)
	}
}

func TestAPreparedWriteIsSentOnce(t *testing.T) {
	s := startService(t, respond(204, ""))
	p, err := newWriter(t, s.config()).Prepare(t.Context(), defender.Actor{}, newDelete(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context()); err != nil {
		t.Error(err)
	}
	for _, again := range []func() error{
		func() error { _, err := p.Send(t.Context()); return err },
		func() error { return p.Renew(t.Context()) },
	} {
		if err := again(); !errors.Is(err, defender.ErrNotSent) {
			t.Errorf("again: %v, want ErrNotSent", err)
		}
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests arrived, want 1", n)
	}
}

func TestARefusedTokenIsRenewedOnceAndOnlyByTheCaller(t *testing.T) {
	s := startService(t, respond(401, ""))
	cfg := s.config()
	var asked []defender.TokenRequest
	cfg.Token = func(_ context.Context, want defender.TokenRequest) (string, error) {
		asked = append(asked, want)
		return "token", nil
	}
	by := defender.Actor{User: "entra:t/ada"}
	p, err := newWriter(t, cfg).Prepare(t.Context(), by, newDelete(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context()); !errors.Is(err, defender.ErrTokenRefused) || !errors.Is(err, defender.ErrSignIn) {
		t.Errorf("first: %v, want ErrTokenRefused and ErrSignIn", err)
	}
	if _, err := p.Send(t.Context()); !errors.Is(err, defender.ErrNotSent) {
		t.Errorf("without Renew: %v, want ErrNotSent", err)
	}
	if err := p.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context()); errors.Is(err, defender.ErrTokenRefused) || !errors.Is(err, defender.ErrSignIn) {
		t.Errorf("second: %v, want ErrSignIn alone", err)
	}
	if len(s.requests()) != 2 {
		t.Errorf("%d requests arrived, want 2", len(s.requests()))
	}
	want := []defender.TokenRequest{{Actor: by}, {Actor: by, Fresh: true}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

func TestAThrottledWriteIsReportedAndNotRetried(t *testing.T) {
	s := startService(t, respondThrottled("5"))
	cfg, waits := recordWaits(s)
	told := 0
	cfg.OnThrottled = func(context.Context, time.Time) { told++ }
	_, err := sendWrite(t.Context(), newWriter(t, cfg), newDelete(t), nil)
	if e := asError(t, err); e.RetryAfter != 5*time.Second || told != 1 || len(*waits) != 0 || len(s.requests()) != 1 {
		t.Errorf("%v; OnThrottled called %d times, waited %v, %d calls", err, told, *waits, len(s.requests()))
	}
}

func TestAWriteIsSentAgainAfterA401Alone(t *testing.T) {
	s := startService(t, respondInTurn(respond(401, fixture(t, "error-401-Unauthorized.derived")), respond(200, bare)))
	cfg := s.config()
	var turns []defender.CallKind
	cfg.RateLimit = func(_ context.Context, call defender.Call) error { turns = append(turns, call.Kind); return nil }
	if _, err := sendWrite(t.Context(), newWriter(t, cfg), newAdd(t, labScan(coreCredential())), coreCredential()); err != nil {
		t.Fatal(err)
	}
	calls := s.requests()
	if len(calls) != 2 || calls[0].Body != calls[1].Body || calls[1].Token != "Bearer fresh" || len(turns) != 2 || turns[0] != defender.WriteCall || turns[1] != defender.WriteCall {
		t.Errorf("calls %+v, turns %v", calls, turns)
	}
	for body, kind := range map[string]error{
		fixture(t, "error-401-Unauthorized.derived"):   defender.ErrSignIn,
		fixture(t, "error-401-no-tvm-license.derived"): defender.ErrLicense,
	} {
		s := startService(t, respond(401, body))
		_, err := sendWrite(t.Context(), newWriter(t, s.config()), newDelete(t), nil)
		if !errors.Is(err, kind) || errors.Is(err, defender.ErrUncertain) || len(s.requests()) > 2 {
			t.Errorf("%v after %d calls, want %v", err, len(s.requests()), kind)
		}
	}
}
