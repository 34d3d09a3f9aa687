package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/tools/mcpserver/auth"
)

// sessionIdle is when the library forgets an initialize-era session. It would take a dialog that is still
// open with it, so it is far longer than any confirmation waits.
const sessionIdle = 24 * time.Hour

// HTTPConfig configures the HTTP door.
type HTTPConfig struct {
	Hosts         []string           // allowed Host headers, with the port where there is one; none allows nobody
	Origins       []string           // allowed Origin headers; a request without one (not a browser) is allowed
	Authenticator auth.Authenticator // tells who sent a request
}

// handler stands in front of the library's handler, which checks neither origin nor caller nor size.
type handler struct {
	cfg    HTTPConfig
	server *Server
	ids    sessionIDs
	next   http.Handler
}

// Handler serves MCP at whatever path it is mounted on. It is stopped by Close.
func (s *Server) Handler(cfg HTTPConfig) (http.Handler, error) {
	if cfg.Authenticator == nil {
		return nil, errors.New("MCP over HTTP: nothing is configured to tell who calls")
	}
	keys, err := s.derivedKeys()
	if err != nil {
		return nil, err
	}
	ids := sessionIDs{key: keys.session}
	lib := server.NewStreamableHTTPServer(s.mcp,
		server.WithSessionIdManagerResolver(ids),
		server.WithSessionIdleTTL(sessionIdle),
		server.WithDisableStreaming(true),                                              // a GET stream can take another request's messages
		server.WithStreamableHTTPLogger(slog.New(warnLogHandler{s.cfg.Log.Handler()})), // its lesser lines hold session ids
	)
	context.AfterFunc(s.base, func() { lib.CloseSessions(context.Background()) })
	return &handler{cfg: cfg, server: s, ids: ids, next: lib}, nil
}

// ServeHTTP lets a request in when its host, origin and caller are ours, and its size is bounded.
func (d *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Accel-Buffering", "no") // a buffering proxy would hold a dialog back
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if !slices.Contains(d.cfg.Hosts, r.Host) {
		http.Error(w, "this host name is not served here; set SCANWARDEN_PUBLIC_URL to the URL that callers use", http.StatusMisdirectedRequest)
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" && !slices.Contains(d.cfg.Origins, origin) {
		http.Error(w, "web pages of this origin may not call scanwarden", http.StatusForbidden)
		return
	}
	who, body, ok := d.authenticateRequest(w, r)
	if !ok {
		return
	}
	stripCredentials(r.Header)
	ctx, cancel := context.WithCancel(withCaller(r.Context(), who))
	defer cancel()
	defer context.AfterFunc(d.server.base, cancel)()
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	d.serveCaller(w, r, body)
}

// stripCredentials takes away what proved who the caller is: the library hands headers to handlers.
func stripCredentials(h http.Header) {
	h.Del("Authorization")
	for name := range h {
		if strings.HasPrefix(name, "X-Slack-") {
			h.Del(name)
		}
	}
}

// serveCaller passes on what this caller may send.
func (d *handler) serveCaller(w http.ResponseWriter, r *http.Request, body []byte) {
	who := r.Context().Value(callerKey{}).(callerIdentity)
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodDelete:
		w.Header().Set("Allow", "POST, DELETE")
		http.Error(w, "use POST", http.StatusMethodNotAllowed)
	case who.principal == "" && !isDiscovery(body):
		http.Error(w, "nobody is named who calls: only the tools can be listed", http.StatusForbidden)
	case r.Method == http.MethodDelete && !d.ids.belongsTo(r.Header.Get(server.HeaderKeySessionID), who.sessionOwner()):
		http.Error(w, "no such session", http.StatusNotFound)
	case isForeignCancel(r, body, d.ids.belongsTo(r.Header.Get(server.HeaderKeySessionID), who.sessionOwner())):
		w.WriteHeader(http.StatusAccepted)
	default:
		d.next.ServeHTTP(w, r)
	}
}

// isDiscovery reports whether a message asks only what there is. It is read as the library reads it.
func isDiscovery(body []byte) bool {
	var msg struct{ Method string }
	if json.Unmarshal(body, &msg) != nil {
		return false
	}
	switch msg.Method {
	case "initialize", "notifications/initialized", "ping", "tools/list":
		return true
	}
	return false
}

// isForeignCancel finds a cancellation that is not bound to an initialize-era session of the caller's own. The
// 2026-07-28 protocol has no sessions, so the library would let any caller cancel any other's call by its
// number; that protocol has no such notification over HTTP either.
func isForeignCancel(r *http.Request, body []byte, ownSession bool) bool {
	var msg struct {
		Method string
		Params map[string]json.RawMessage
	}
	if json.Unmarshal(body, &msg) != nil || msg.Method != "notifications/cancelled" {
		return false
	}
	modern := mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion))
	for name := range msg.Params {
		modern = modern || strings.EqualFold(name, "_meta")
	}
	return modern || !ownSession
}

// warnLogHandler lets warnings and errors pass, and nothing less.
type warnLogHandler struct{ slog.Handler }

func (w warnLogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
