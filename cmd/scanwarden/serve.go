package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"scanwarden/tools/mcpserver/auth"
)

type serveCommand struct {
	tenantFlags
	policyFlags
	httpFlags
	slackFlags
	ledgerFlags
}

// Run serves MCP over HTTP until the process is asked to end.
func (s serveCommand) Run(w environment, flags Flags) error {
	cfg, err := Load(w.env, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	if err := cfg.CheckServeAuth(); err != nil {
		return err
	}
	bp := NewBuilder(cfg, w)
	bp.metrics = newMetrics()
	return bp.Serve(w.ctx, func(url string) { bp.log.Info("listening", "url", url) })
}

// Serve serves MCP over HTTP until ctx is done, and tells its URL as soon as it listens.
func (bp Builder) Serve(ctx context.Context, listening func(url string)) error {
	tokens, err := bp.loadBearerTokens(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", bp.cfg.ListenAddress())
	if err != nil {
		return bp.cfg.OriginOf("http.listen").Errorf("%w; choose another address", err)
	}
	defer listener.Close()
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var back *lazyBackend
	if bp.bot, err = bp.newBot(func() *lazyBackend { return back }); err != nil {
		return err
	}
	door, err := bp.newHTTPConfig(running, listener.Addr(), tokens)
	if err != nil {
		return err
	}
	back = bp.buildInBackground(running, fail)
	mcp, err := bp.newMCPServer(back)
	if err != nil {
		return errors.Join(err, withShutdownTimeout(back.close))
	}
	handler, err := mcp.Handler(door)
	if err != nil {
		return errors.Join(err, withShutdownTimeout(back.close))
	}
	routes, err := bp.newMux(listener.Addr(), door.Hosts, handler, back)
	if err != nil {
		return errors.Join(err, withShutdownTimeout(back.close))
	}
	server := bp.newHTTPServer(running, routes)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve HTTP: %w", err))
		}
	}()
	stopBot := bp.startBot(running, fail)
	back.start()
	listening("http://" + listener.Addr().String() + "/mcp")
	<-running.Done()
	mcp.Close() // no further calls; those that wait for a person end, or Shutdown would wait for them
	left := withShutdownTimeout(server.Shutdown, stopBot, back.close)
	return errors.Join(exitReason(running, ctx), left)
}

// newHTTPServer bounds everything that a caller could take its time with.
func (bp Builder) newHTTPServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,                 // for headers and body; waiting for a person comes after
		WriteTimeout:      bp.cfg.Expires() + 2*time.Minute, // an initialize-era call hangs while its person decides
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

// newMux are all the paths there are.
func (bp Builder) newMux(address net.Addr, hosts []string, mcp http.Handler, back *lazyBackend) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("/mcp", mcp)
	if err := errors.Join(bp.addMetadata(mux, address), bp.addLinkPage(mux, hosts)); err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := back.health(ctx); err != nil {
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
	return mux, nil
}

// addMetadata tells MCP clients where their callers get a token (RFC 9728).
func (bp Builder) addMetadata(mux *http.ServeMux, address net.Addr) error {
	tcp, ok := address.(*net.TCPAddr)
	if !ok || !bp.cfg.AllowsAuth("entra") {
		return nil
	}
	paths, handler, err := auth.Metadata(bp.cfg.EntraAuthConfig(bp.resourceURL(tcp)), bp.cfg.HTTP.OAuthFacade)
	for _, path := range paths {
		mux.Handle(path, handler)
	}
	return err
}

func (bp Builder) addLinkPage(mux *http.ServeMux, hosts []string) error {
	link, err := bp.newLinkPage(hosts)
	if link != nil {
		mux.Handle(LinkPath, link)
		mux.Handle(LinkPath+"/", link)
	}
	return err
}
