package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/config/configtest"
	"scanwarden/cmd/scanwarden/internal/pipenet"
)

// TestWaitingOutlivesReadTimeout: a call that waits for a person is not ended by the deadline for reading it
// (net/http keeps reading in the background, to notice a caller who hangs up), and a caller who does not
// finish sending is.
func TestWaitingOutlivesReadTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		var readTimeout time.Duration
		wire := pipenet.NewListener()
		server := &httptest.Server{Listener: wire, Config: (&Builder{cfg: &config.Config{}}).newHTTPServer(t.Context(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				ended <- err
				return
			}
			select {
			case <-r.Context().Done():
				ended <- context.Cause(r.Context())
			case <-time.After(4 * readTimeout):
				ended <- nil
			}
		}))}
		readTimeout = server.Config.ReadTimeout
		server.Start()
		defer server.Close()
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return wire.Dial(ctx) }}
		defer transport.CloseIdleConnections()

		begin := time.Now()
		answer, err := (&http.Client{Transport: transport}).Post("http://scans.example", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if err := <-ended; err != nil || time.Since(begin) != 4*readTimeout {
			t.Errorf("a waiting call was ended after %v: %v", time.Since(begin), err)
		}

		conn, err := wire.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		begin = time.Now()
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil || time.Since(begin) != readTimeout {
			t.Errorf("a caller who does not finish a body was ended after %v (%v), want %v", time.Since(begin), err, readTimeout)
		}
	})
}

// TestServerIsBounded: the longest wait of a call fits in the write timeout, and nothing is without a bound.
func TestServerIsBounded(t *testing.T) {
	t.Parallel()
	c := configtest.Load(t, "", config.Environment{"SCANWARDEN_EXPIRES": "1h"})
	s := (&Builder{cfg: c}).newHTTPServer(t.Context(), nil)
	if s.WriteTimeout <= time.Hour || s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("bounds: %+v", s)
	}
}
