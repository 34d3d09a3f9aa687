package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

type serveCommand struct {
	tenantFlags
	policyFlags
	httpFlags
	ledgerFlags
}

// Run serves MCP over HTTP until the process is asked to end.
func (s serveCommand) Run(w world, flags flagValues) error {
	cfg, err := load(w.environment, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	p := plan{cfg: cfg, env: w.environment, log: cfg.logger(w.errs), metrics: newMetrics()}
	return p.serve(w.ctx, func(url string) { p.log.Info("listening", "url", url) })
}

// serve serves MCP over HTTP until ctx is done, and tells its URL as soon as it listens.
func (p plan) serve(ctx context.Context, listening func(url string)) error {
	listener, err := net.Listen("tcp", p.cfg.listen())
	if err != nil {
		return fmt.Errorf("http.listen (SCANWARDEN_LISTEN): %w; choose another address", err)
	}
	defer listener.Close()
	entrance, err := p.cfg.entrance(p.env, listener.Addr())
	if err != nil {
		return err
	}
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	back := p.openBeside(running, fail)
	mcp, err := p.door(back)
	if err != nil {
		return errors.Join(err, farewell(back.close))
	}
	handler, err := mcp.Handler(entrance)
	if err != nil {
		return errors.Join(err, farewell(back.close))
	}
	server := p.httpServer(running, p.routes(handler, back))
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve HTTP: %w", err))
		}
	}()
	back.begin()
	listening("http://" + listener.Addr().String() + "/mcp")
	<-running.Done()
	mcp.Close() // first: it releases the requests that Shutdown waits for
	left := farewell(server.Shutdown, back.close)
	return errors.Join(ending(running, ctx), left)
}

// httpServer bounds everything that a caller could take its time with.
func (p plan) httpServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,                // lifted once the body is read, see whileReading
		WriteTimeout:      p.cfg.expires() + 2*time.Minute, // an initialize-era call hangs while its person decides
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

func (p plan) routes(mcp http.Handler, back *backend) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/mcp", whileReading(mcp))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := back.ready(ctx); err != nil {
			p.log.WarnContext(ctx, "not ready", "error", err) // the page is open to all: no cause on it
			http.Error(w, "not ready; the log says why", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", p.metrics.handler())
	return mux
}

// whileReading lifts the read deadline at the end of the body. Go's server keeps reading after it, to notice
// a caller who hangs up, and would take the deadline for that in the middle of a person's decision.
func whileReading(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = &untilEnd{r.Body, func() { _ = http.NewResponseController(w).SetReadDeadline(time.Time{}) }}
		next.ServeHTTP(w, r)
	})
}

// untilEnd calls end when the body ends.
type untilEnd struct {
	io.ReadCloser
	end func()
}

func (u *untilEnd) Read(b []byte) (int, error) {
	n, err := u.ReadCloser.Read(b)
	if errors.Is(err, io.EOF) {
		u.end()
	}
	return n, err
}
