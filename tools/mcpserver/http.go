package mcpserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
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

	"scanwarden/confirm"
	"scanwarden/tools/entrance"
)

// sessionIdle is when the library forgets an initialize-era session. It would take a dialog that is still
// open with it, so it is far longer than any confirmation waits.
const sessionIdle = 24 * time.Hour

// HTTPConfig configures the HTTP door.
type HTTPConfig struct {
	Hosts   []string // allowed Host headers, with the port where there is one; none allows nobody
	Origins []string // allowed Origin headers; a request without one (not a browser) is allowed
	Keeper  entrance.Keeper // tells who sent a request
}

// door stands in front of the library's handler, which checks neither origin nor caller nor size.
type door struct {
	cfg    HTTPConfig
	server *Server
	ids    sessions
	next   http.Handler
}

// Handler serves MCP at whatever path it is mounted on. It is stopped by Close.
func (s *Server) Handler(cfg HTTPConfig) (http.Handler, error) {
	if cfg.Keeper == nil {
		return nil, errors.New("MCP over HTTP: nothing is configured to tell who calls")
	}
	keys, err := s.keys()
	if err != nil {
		return nil, err
	}
	ids := sessions{key: keys.session}
	lib := server.NewStreamableHTTPServer(s.mcp,
		server.WithSessionIdManagerResolver(ids),
		server.WithSessionIdleTTL(sessionIdle),
		server.WithDisableStreaming(true),                                        // a GET stream can take another request's messages
		server.WithStreamableHTTPLogger(slog.New(warnings{s.cfg.Log.Handler()})), // its lesser lines hold session ids
	)
	context.AfterFunc(s.base, func() { lib.CloseSessions(context.Background()) })
	return &door{cfg: cfg, server: s, ids: ids, next: lib}, nil
}

// ServeHTTP lets a request in when its host, origin and caller are ours, and its size is bounded.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	who, ok := d.caller(w, r, nil)
	if !ok {
		return
	}
	r.Header.Del("Authorization") // the library hands headers to handlers
	ctx, cancel := context.WithCancel(withCaller(r.Context(), caller{principal: who, via: "MCP HTTP"}))
	defer cancel()
	defer context.AfterFunc(d.server.base, cancel)()
	d.serve(w, r.WithContext(ctx), who)
}

func (d *door) serve(w http.ResponseWriter, r *http.Request, who confirm.Principal) {
	switch r.Method {
	case http.MethodPost:
		d.post(w, r)
	case http.MethodDelete:
		if !d.ids.owns(r.Header.Get(server.HeaderKeySessionID), who) {
			http.Error(w, "no such session", http.StatusNotFound)
			return
		}
		d.next.ServeHTTP(w, r)
	default:
		w.Header().Set("Allow", "POST, DELETE")
		http.Error(w, "use POST", http.StatusMethodNotAllowed)
	}
}

// post reads the whole message, for the library would read one without end.
func (d *door) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "the message could not be read, or is larger than 1 MiB", status)
		return
	}
	if d.foreignCancel(r, body) {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	d.next.ServeHTTP(w, r)
}

// foreignCancel finds a cancellation that is not bound to an initialize-era session of the caller's own. The
// 2026-07-28 protocol has no sessions, so the library would let any caller cancel any other's call by its
// number; that protocol has no such notification over HTTP either.
func (d *door) foreignCancel(r *http.Request, body []byte) bool {
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
	who, err := callerFrom(r.Context())
	return modern || err != nil || !d.ids.owns(r.Header.Get(server.HeaderKeySessionID), who.principal)
}

// caller authenticates a request, or answers it.
func (d *door) caller(w http.ResponseWriter, r *http.Request, body []byte) (confirm.Principal, bool) {
	who, err := d.cfg.Keeper.Admit(r, body)
	if denial, ok := errors.AsType[*entrance.Denial](err); ok {
		if denial.Challenge != "" {
			w.Header().Set("WWW-Authenticate", denial.Challenge)
		}
		http.Error(w, denial.Reason, denial.Status)
		return "", false
	}
	if err != nil {
		http.Error(w, "nobody can be let in right now; an operator finds the cause in the log", http.StatusServiceUnavailable)
		return "", false
	}
	return who.Principal, true
}

// sessions makes and knows session ids: random, and sealed to the principal they were given to. They say
// nothing and prove nothing by themselves; the caller is authenticated on every request.
type sessions struct{ key []byte }

var _ server.SessionIdManagerResolver = sessions{}

// ResolveSessionIdManager implements server.SessionIdManagerResolver; q is nil for the sweeper.
func (s sessions) ResolveSessionIdManager(q *http.Request) server.SessionIdManager {
	if q == nil {
		return sweeper{}
	}
	who, err := callerFrom(q.Context())
	if err != nil {
		return sweeper{}
	}
	return sessionsOf{sessions: s, principal: who.principal}
}

// owns reports whether id was given to this principal, by any replica with the same key.
func (s sessions) owns(id string, principal confirm.Principal) bool {
	random, mac, _ := strings.Cut(id, ".")
	return subtle.ConstantTimeCompare([]byte(mac), []byte(s.mac(random, principal))) == 1
}

func (s sessions) mac(random string, principal confirm.Principal) string {
	q := asked{principal: string(principal), tool: "session"}
	return encode(stateMAC(s.key, []byte(random), q))
}

// errNoSession makes the library answer 404, on which clients open a new session.
var errNoSession = errors.New("no such session")

// sessionsOf is one principal's view.
type sessionsOf struct {
	sessions
	principal confirm.Principal
}

func (s sessionsOf) Generate() string {
	random := rand.Text()
	return random + "." + s.mac(random, s.principal)
}

func (s sessionsOf) Validate(id string) (isTerminated bool, err error) {
	if !s.owns(id, s.principal) {
		return false, errNoSession
	}
	return false, nil
}

func (s sessionsOf) Terminate(id string) (isNotAllowed bool, err error) {
	_, err = s.Validate(id)
	return false, err
}

// sweeper is what the library's own clean-up gets: it ends sessions and makes none.
type sweeper struct{}

func (sweeper) Generate() string                            { return "" }
func (sweeper) Validate(string) (bool, error)               { return false, errNoSession }
func (sweeper) Terminate(string) (notAllowed bool, _ error) { return false, nil }

// warnings lets warnings and errors pass, and nothing less.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
