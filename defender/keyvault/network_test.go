package keyvault_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/keyvault"
)

// TestBusyVaultsAreWaitedFor checks that a read waits as long as the vault asks for, at most twice and not for too long.
func TestBusyVaultsAreWaitedFor(t *testing.T) {
	throttled := func(after string) response {
		return response{status: 429, header: map[string]string{"Retry-After": after}, body: errorJSON("Throttled", "")}
	}
	for name, c := range map[string]struct {
		answers       []response
		least, at     time.Duration
		words         string
		wantedAnswers int
	}{
		"once":         {[]response{throttled("7")}, 7 * time.Second, 7 * time.Second, "", 2},
		"twice":        {[]response{throttled("7"), throttled("2")}, 9 * time.Second, 9 * time.Second, "", 3},
		"three times":  {[]response{throttled("1"), throttled("1"), throttled("1")}, 2 * time.Second, 2 * time.Second, "too many calls", 3},
		"for too long": {[]response{throttled("3600")}, 0, 0, "too many calls; try again in a minute", 1},
		"5xx once":     {[]response{{status: 503, body: canary}}, 0, time.Second, "", 2},
		"5xx":          {[]response{{status: 500}, {status: 502}, {status: 503}}, 0, 3 * time.Second, "an internal error (HTTP 503)", 3},
		"cut once":     {[]response{{cut: true}}, 0, time.Second, "", 2},
		"slow once":    {[]response{{hang: true}}, 10 * time.Second, 11 * time.Second, "", 2},
		"slow":         {[]response{{hang: true}, {hang: true}, {hang: true}}, 30 * time.Second, 33 * time.Second, "did not answer in time", 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := startFake(t)
				a.answerNext(c.answers...)
				start := time.Now()
				v := a.newClient(t)
				_, err := v.Secret(t.Context(), coreID)
				if took := time.Since(start); took < c.least || took > c.at {
					t.Errorf("took %v, want %v to %v", took, c.least, c.at)
				}
				if c.words == "" && err != nil {
					t.Error(err)
				} else if c.words != "" {
					if e := wantError(t, err, c.words); !e.Temporary {
						t.Errorf("%+v is not marked as temporary", e)
					}
				}
				authorized := 0
				for _, r := range a.received() {
					if r.token != "" {
						authorized++
					}
				}
				if authorized != c.wantedAnswers {
					t.Errorf("%d requests, want %d", authorized, c.wantedAnswers)
				}
			})
		})
	}
}

// TestTheCallersEndIsTheirOwn checks that the end of the caller's context is not reported as a failure of the vault.
func TestTheCallersEndIsTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := startFake(t)
		v := a.newClient(t)
		for _, read := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := v.Secret(ctx, coreID); return err },
			func(ctx context.Context) error { return v.Exists(ctx, coreID) },
		} {
			a.answerNext(response{hang: true})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := read(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "core in snmp.vault.azure.net") {
				t.Errorf("%v", err)
			}
			cancel()
		}
	})
}

// TestNetworkTrouble checks that each network error gets its own text, and that only temporary ones are retried.
func TestNetworkTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		words string
		tries int
	}{
		"no such vault": {&net.DNSError{Err: "no such host", Name: canary, IsNotFound: true}, "there is no host snmp.vault.azure.net; correct the vault's name", 1},
		"no DNS":        {&net.DNSError{Err: "server misbehaving", Name: canary}, "cannot be resolved", 3},
		"refused":       {&net.OpError{Op: "dial", Err: errors.New("connection refused " + canary)}, "could not be reached; check the network, the firewall and HTTPS_PROXY", 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				v := newClientDialing(t, func(context.Context, string, string) (net.Conn, error) { tries++; return nil, c.err })
				_, err := v.Secret(t.Context(), coreID)
				if e := wantError(t, err, c.words); e.Temporary != (c.tries > 1) || tries != c.tries {
					t.Errorf("%d tries, want %d; temporary = %v", tries, c.tries, e.Temporary)
				}
			})
		})
	}
}

// TestInterceptedVaultsGetNothing checks that an untrusted certificate ends the call before any request.
func TestInterceptedVaultsGetNothing(t *testing.T) {
	proxy := httptest.NewUnstartedServer(http.NotFoundHandler())
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	proxy.StartTLS()
	defer proxy.Close()
	tries := 0
	v := newClientDialing(t, func(ctx context.Context, network, _ string) (net.Conn, error) {
		tries++
		return (&net.Dialer{}).DialContext(ctx, network, proxy.Listener.Addr().String())
	})
	_, err := v.Secret(t.Context(), coreID)
	wantError(t, err, "the certificate shown", "SSL_CERT_FILE")
	if tries != 1 {
		t.Errorf("%d tries, want 1", tries)
	}
}

// newClientDialing returns a Client that connects with dial. The test fails if it requests a token.
func newClientDialing(t testing.TB, dial func(context.Context, string, string) (net.Conn, error)) *keyvault.Client {
	t.Helper()
	v, err := keyvault.New(keyvault.Config{
		TenantID: tenant, HTTP: &http.Client{Transport: &http.Transport{DialContext: dial}},
		Token: func(context.Context, string, string) (string, time.Time, error) {
			t.Error("a token was requested")
			return "", time.Time{}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
