package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Serve serves MCP over HTTP until ctx is done. It calls listening with its URL as soon as it accepts connections.
func (b *Builder) Serve(ctx context.Context, listening func(url string)) error {
	b.metrics = newMetrics()
	if err := b.checkBeforeListening(ctx); err != nil {
		return err
	}
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
	httpConfig, err := b.newHTTPConfig(running, listener.Addr(), tokens)
	if err != nil {
		return err
	}
	pages, stopPages, err := b.servePages(httpConfig.Hosts, tokens, func() *lazyBackend { return back })
	if err != nil {
		return err
	}
	defer stopPages()
	back = b.buildInBackground(running, func(err error) error {
		fail(err)
		return err
	})
	mcp, err := b.newMCPServer(back)
	if err != nil {
		return errors.Join(err, WithShutdownTimeout(back.close))
	}
	handler, err := mcp.Handler(httpConfig)
	if err != nil {
		return errors.Join(err, WithShutdownTimeout(back.close))
	}
	routes, err := b.newMux(listener.Addr(), httpHandlers{httpConfig.Hosts, handler, pages}, back)
	if err != nil {
		return errors.Join(err, WithShutdownTimeout(back.close))
	}
	httpServer := b.newHTTPServer(running, routes)
	go func() {
		if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve HTTP: %w", err))
		}
	}()
	stopBot := b.startBot(running)
	back.start()
	listening("http://" + listener.Addr().String() + "/mcp")
	<-running.Done()
	mcp.Close() // ends calls that wait for an approver, or Shutdown would wait for them
	left := WithShutdownTimeout(closing(stopPages), httpServer.Shutdown, stopBot, back.close)
	return errors.Join(exitReason(running, ctx), left)
}

// checkBeforeListening returns an error for a setting with which no server could be built, before a client has shaken
// hands. It calls nothing.
func (b *Builder) checkBeforeListening(ctx context.Context) error {
	if b.cfg.Simulator || b.cfg.MissingSettings() != nil {
		return nil
	}
	if _, err := b.SignIn(); err != nil {
		return err
	}
	if b.cfg.ReadOnly {
		return nil
	}
	return b.checkLocalSecrets(ctx)
}

// newHTTPServer returns a server that bounds the time and size of everything a caller sends.
func (b *Builder) newHTTPServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,                // for headers and body; waiting for an approver comes after
		WriteTimeout:      b.cfg.Expires() + 2*time.Minute, // an initialize-era call hangs while its approver decides
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}
