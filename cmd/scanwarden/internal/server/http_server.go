package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Serve serves MCP over HTTP until ctx is done, and tells its URL as soon as it listens.
func (b *Builder) Serve(ctx context.Context, listening func(url string)) error {
	b.metrics = newMetrics()
	tokens, err := b.loadBearerTokens(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", b.cfg.ListenAddress())
	if err != nil {
		return b.cfg.OriginOf("http.listen").Errorf("%w; choose another address", err)
	}
	defer listener.Close()
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var back *lazyBackend
	if b.bot, err = b.newBot(func() *lazyBackend { return back }); err != nil {
		return err
	}
	door, err := b.newHTTPConfig(running, listener.Addr(), tokens)
	if err != nil {
		return err
	}
	back = b.buildInBackground(running, fail)
	mcp, err := b.newMCPServer(back)
	if err != nil {
		return errors.Join(err, WithShutdownTimeout(back.close))
	}
	handler, err := mcp.Handler(door)
	if err != nil {
		return errors.Join(err, WithShutdownTimeout(back.close))
	}
	routes, err := b.newMux(listener.Addr(), door.Hosts, handler, back)
	if err != nil {
		return errors.Join(err, WithShutdownTimeout(back.close))
	}
	server := b.newHTTPServer(running, routes)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve HTTP: %w", err))
		}
	}()
	stopBot := b.startBot(running, fail)
	back.start()
	listening("http://" + listener.Addr().String() + "/mcp")
	<-running.Done()
	mcp.Close() // no further calls; those that wait for a person end, or Shutdown would wait for them
	left := WithShutdownTimeout(server.Shutdown, stopBot, back.close)
	return errors.Join(exitReason(running, ctx), left)
}

// newHTTPServer bounds everything that a caller could take its time with.
func (b *Builder) newHTTPServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,                // for headers and body; waiting for a person comes after
		WriteTimeout:      b.cfg.Expires() + 2*time.Minute, // an initialize-era call hangs while its person decides
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}
