package server

import (
	"net/http"
	"strconv"
	"time"
)

// newHTTPClient returns an HTTP client for Defender that counts its calls. See NewHTTPClient for keepAlive.
func (m *metrics) newHTTPClient(keepAlive bool) *http.Client {
	client := NewHTTPClient(keepAlive)
	if m != nil {
		client.Transport = countingTransport{client.Transport, m}
	}
	return client
}

// NewHTTPClient returns an HTTP client for Defender. With keepAlive, calls share connections. Writes must not: on a
// connection that the service has closed meanwhile, their outcome would be unknown without need.
func NewHTTPClient(keepAlive bool) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = !keepAlive
	transport.ResponseHeaderTimeout = 60 * time.Second
	transport.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{Timeout: 100 * time.Second, Transport: transport}
}

// countingTransport counts the responses of another transport.
type countingTransport struct {
	next    http.RoundTripper
	metrics *metrics
}

// RoundTrip sends the request and counts its outcome.
func (t countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	outcome := "error"
	if err == nil {
		outcome = strconv.Itoa(response.StatusCode)
	}
	t.metrics.countCall(r.Method, outcome)
	return response, err
}
