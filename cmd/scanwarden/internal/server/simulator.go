package server

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"scanwarden/defender/defendertest"
)

// ServeTenant serves a simulated tenant on a free loopback port until stop is called.
func ServeTenant(tenant *defendertest.Server) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("simulated tenant: %w", err)
	}
	httpServer := &http.Server{Handler: tenant, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = httpServer.Serve(listener) // Serve returns when stop closes the server
	}()
	stop = func() {
		_ = httpServer.Close()
		<-done
	}
	return "http://" + listener.Addr().String(), stop, nil
}
