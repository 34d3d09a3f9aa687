package server

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"scanwarden/defender/defendertest"
)

// ServeTenant serves a simulated tenant on a loopback port of its own, until stop.
func ServeTenant(tenant *defendertest.Server) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("simulated tenant: %w", err)
	}
	server := &http.Server{Handler: tenant, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // it ends when it is closed
	}()
	stop = func() {
		_ = server.Close()
		<-done
	}
	return "http://" + listener.Addr().String(), stop, nil
}
