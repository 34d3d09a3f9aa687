package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/tools/mcpserver/auth"
	"scanwarden/tools/mcpserver/internal/limits"
)

// sessionIdle is the time after which the library ends an idle initialize-era session. Ending a session also ends its
// open prompts, so it is far longer than any change stays open.
const sessionIdle = 24 * time.Hour

// HTTPConfig configures MCP over HTTP.
type HTTPConfig struct {
	Hosts         []string           // allowed Host headers, with the port if there is one, in any spelling; empty allows none
	Origins       []string           // allowed Origin headers; a request without one does not come from a browser and is allowed
	Authenticator auth.Authenticator // required
}

// httpHandler checks host, origin, caller and size of a request, which the library's handler does not check.
type httpHandler struct {
	cfg       HTTPConfig
	server    *Server
	addresses *limits.Limiter // bounds requests that are not authenticated, by remote address
	ids       sessionIDs
	next      http.Handler
}

// Handler returns a handler that serves MCP at the path where it is mounted. Close stops it.
func (s *Server) Handler(cfg HTTPConfig) (http.Handler, error) {
	if cfg.Authenticator == nil {
		return nil, errors.New("MCP over HTTP: no Authenticator is configured")
	}
	keys, err := s.derivedKeys()
	if err != nil {
		return nil, err
	}
	h := &httpHandler{cfg: cfg, server: s, addresses: limits.New(limits.ForAddresses(), s.reportLimit, nil)}
	h.ids = sessionIDs{key: keys.session, open: limits.NewSessions(s.bounds, h.endSession, s.reportLimit)}
	lib := server.NewStreamableHTTPServer(s.mcp,
		server.WithSessionIdManagerResolver(h.ids),
		server.WithSessionIdleTTL(sessionIdle),
		server.WithDisableLocalhostProtection(true),                                    // allowsAddress has the allow-list; this refuses a proxy's Host on loopback
		server.WithDisableStreaming(true),                                              // a GET stream can receive messages of other requests
		server.WithStreamableHTTPLogger(slog.New(warnLogHandler{s.cfg.Log.Handler()})), // lines below warnings contain session ids
	)
	context.AfterFunc(s.base, func() { lib.CloseSessions(context.Background()) })
	h.next = lib
	return h, nil
}

// ServeHTTP serves a request if host, origin and caller are allowed and its size is bounded.
func (h *httpHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Accel-Buffering", "no") // a buffering proxy would delay prompts
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if !h.allowsAddress(w, r) {
		return
	}
	admitted, ok := h.admitRequest(w, r)
	defer admitted.release()
	if !ok {
		return
	}
	stripCredentials(r.Header)
	ctx, cancel := context.WithCancel(withCaller(r.Context(), admitted.caller))
	defer cancel()
	defer context.AfterFunc(h.server.base, cancel)()
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(admitted.body))
	h.serveCaller(w, r, admitted.body)
}

// stripCredentials removes the headers that authenticate the caller: the library passes headers to tool handlers.
func stripCredentials(header http.Header) {
	header.Del("Authorization")
	for name := range header {
		if strings.HasPrefix(name, "X-Slack-") {
			header.Del(name)
		}
	}
}

// serveCaller passes a request to the library if this caller may send it.
func (h *httpHandler) serveCaller(w http.ResponseWriter, r *http.Request, body []byte) {
	caller := r.Context().Value(callerKey{}).(callerIdentity)
	if id := inexactID(body); id != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(inexactIDError(id)) // a client that has disconnected needs no answer
		return
	}
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodDelete:
		w.Header().Set("Allow", "POST, DELETE")
		http.Error(w, "use POST", http.StatusMethodNotAllowed)
	case caller.principal == "" && !isDiscovery(body):
		http.Error(w, "the request names no user, so it can only list the tools", http.StatusForbidden)
	case r.Method == http.MethodDelete && !h.ids.belongsTo(r.Header.Get(server.HeaderKeySessionID), caller.sessionOwner()):
		http.Error(w, "no such session", http.StatusNotFound)
	case isForeignCancel(r, body, h.ids.belongsTo(r.Header.Get(server.HeaderKeySessionID), caller.sessionOwner())):
		w.WriteHeader(http.StatusAccepted)
	case methodOf(body) == "initialize":
		h.serveInitialize(w, r, body)
	default:
		h.serveStream(w, r)
	}
}

// serveStream passes a request to the library, and keeps its connection alive while it waits.
func (h *httpHandler) serveStream(w http.ResponseWriter, r *http.Request) {
	stream := newEventStream(w, r, h.server.keepAlive)
	if stream == nil {
		h.serveSession(w, r, &sessionUse{})
		return
	}
	defer stream.end()
	h.serveSession(stream, r.WithContext(withEventStream(r.Context(), stream)), &sessionUse{})
}

// methodOf returns the method of a message, or "" if it has none. It decodes the message as the library does.
func methodOf(body []byte) string {
	var msg struct{ Method string }
	if json.Unmarshal(body, &msg) != nil {
		return ""
	}
	return msg.Method
}

// isDiscovery reports whether a message only asks which tools exist.
func isDiscovery(body []byte) bool {
	switch methodOf(body) {
	case "initialize", "notifications/initialized", "ping", "tools/list":
		return true
	}
	return false
}

// isForeignCancel reports whether a message is a cancellation outside an initialize-era session of the caller. The
// 2026-07-28 protocol has no sessions, so the library would let any caller cancel another caller's call by its
// number. That protocol has no such notification over HTTP either.
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

// warnLogHandler passes warnings and errors, and drops all other lines.
type warnLogHandler struct{ slog.Handler }

func (w warnLogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
