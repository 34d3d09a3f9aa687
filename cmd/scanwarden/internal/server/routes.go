package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/tools/mcpserver/auth"
)

// httpHandlers are the handlers of an HTTP server, and the Host headers that it allows.
type httpHandlers struct {
	hosts []string
	mcp   http.Handler
	pages http.Handler
}

// newMux returns all paths of the HTTP server.
func (b *Builder) newMux(address net.Addr, handlers httpHandlers, back *lazyBackend) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("/mcp", handlers.mcp)
	for _, path := range []string{config.ChangesPath, config.ChangesPath + "/", config.SignInPath, config.SignInPath + "/", config.SignOutPath} {
		mux.Handle(path, handlers.pages)
	}
	if err := errors.Join(b.addMetadata(mux, address), b.addLinkPage(mux, handlers.hosts)); err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := back.health(ctx); err != nil {
			b.log.WarnContext(ctx, "not ready", "error", err) // the page needs no authentication, so it does not show the cause
			http.Error(w, "not ready; the log says why", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", b.metrics.handler())
	if b.bot != nil && b.cfg.Slack.AppToken.Empty() {
		mux.Handle("/slack/command", b.bot.Commands())
		mux.Handle("/slack/interaction", b.bot.Interactions())
	}
	return mux, nil
}

// addMetadata serves the metadata that leads MCP clients to the sign-in of their users (RFC 9728).
func (b *Builder) addMetadata(mux *http.ServeMux, address net.Addr) error {
	tcp, ok := address.(*net.TCPAddr)
	if !ok || !b.cfg.AllowsAuth("entra") {
		return nil
	}
	paths, handler, err := auth.Metadata(b.cfg.EntraAuthConfig(b.cfg.ResourceURL(tcp)), b.cfg.HTTP.OAuthFacade)
	for _, path := range paths {
		mux.Handle(path, handler)
	}
	return err
}

// addLinkPage serves the account linking page if it is enabled.
func (b *Builder) addLinkPage(mux *http.ServeMux, hosts []string) error {
	link, err := b.newLinkPage(hosts)
	if link != nil {
		mux.Handle(config.LinkPath, link)
		mux.Handle(config.LinkPath+"/", link)
	}
	return err
}
