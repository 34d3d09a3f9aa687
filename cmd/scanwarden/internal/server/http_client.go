package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// newHTTPClient is the HTTP client for Defender, counted. Writes get a new connection each: on a kept one that the
// service has meanwhile closed, an outcome would be unknown for no reason.
func (m *metrics) newHTTPClient(keepAlive bool) *http.Client {
	client := NewHTTPClient(keepAlive)
	if m != nil {
		client.Transport = countingTransport{client.Transport, m.calls}
	}
	return client
}

func NewHTTPClient(keepAlive bool) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = !keepAlive
	transport.ResponseHeaderTimeout = 60 * time.Second
	transport.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{Timeout: 100 * time.Second, Transport: transport}
}

// countingTransport counts what comes back.
type countingTransport struct {
	next  http.RoundTripper
	calls *prometheus.CounterVec
}

func (c countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.next.RoundTrip(r)
	outcome := "error"
	if err == nil {
		outcome = strconv.Itoa(answer.StatusCode)
	}
	c.calls.WithLabelValues(r.Method, outcome).Inc()
	return answer, err
}
