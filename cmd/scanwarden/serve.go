package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

type serveCommand struct {
	tenantFlags
	policyFlags
	httpFlags
	slackFlags
	ledgerFlags
}

// Run serves MCP over HTTP until the process is asked to end.
func (s serveCommand) Run(w world, flags flagValues) error {
	cfg, err := load(w.environment, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	bp := blueprint{cfg: cfg, env: w.environment, log: cfg.logger(w.errs), metrics: newMetrics()}
	return bp.serve(w.ctx, func(url string) { bp.log.Info("listening", "url", url) })
}

// serve serves MCP over HTTP until ctx is done, and tells its URL as soon as it listens.
func (bp blueprint) serve(ctx context.Context, listening func(url string)) error {
	listener, err := net.Listen("tcp", bp.cfg.listen())
	if err != nil {
		return fmt.Errorf("http.listen (SCANWARDEN_LISTEN): %w; choose another address", err)
	}
	defer listener.Close()
	entrance, err := bp.cfg.entrance(bp.env, listener.Addr())
	if err != nil {
		return err
	}
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var back *backend
	if bp.bot, err = bp.newBot(func() *backend { return back }); err != nil {
		return err
	}
	back = bp.openBeside(running, fail)
	mcp, err := bp.door(back)
	if err != nil {
		return errors.Join(err, farewell(back.close))
	}
	handler, err := mcp.Handler(entrance)
	if err != nil {
		return errors.Join(err, farewell(back.close))
	}
	server := bp.httpServer(running, bp.routes(handler, back))
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve HTTP: %w", err))
		}
	}()
	stopBot := bp.runBot(running, fail)
	back.begin()
	listening("http://" + listener.Addr().String() + "/mcp")
	<-running.Done()
	mcp.Close() // no further calls; those that wait for a person end, or Shutdown would wait for them
	left := farewell(server.Shutdown, stopBot, back.close)
	return errors.Join(ending(running, ctx), left)
}

// httpServer bounds everything that a caller could take its time with.
func (bp blueprint) httpServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,                 // for headers and body; waiting for a person comes after
		WriteTimeout:      bp.cfg.expires() + 2*time.Minute, // an initialize-era call hangs while its person decides
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

func (bp blueprint) routes(mcp http.Handler, back *backend) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/mcp", mcp)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := back.ready(ctx); err != nil {
			bp.log.WarnContext(ctx, "not ready", "error", err) // the page is open to all: no cause on it
			http.Error(w, "not ready; the log says why", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", bp.metrics.handler())
	if bp.bot != nil && bp.cfg.Slack.AppToken.Empty() {
		mux.Handle("/slack/command", bp.bot.Commands())
		mux.Handle("/slack/interaction", bp.bot.Interactions())
	}
	return mux
}
