package mcpserver

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver/internal/limits"
)

// instructions explain to the model how to use a server whose writes wait for an approver.
//
//go:embed instructions.md
var instructions string

// instructionsReadOnly are the instructions of a server that only reads.
//
//go:embed instructions_read_only.md
var instructionsReadOnly string

// Backend contains the services that tool calls use. It may not be ready when the handshake is answered.
type Backend struct {
	Service *tools.Service
	Gate    *confirm.Gate
}

// Config configures a Server.
type Config struct {
	// Operations returns the catalogue. It is called when a client first asks for a tool, because building the
	// schemas takes longer than answering the handshake.
	Operations func() ([]tools.Operation, error)
	// Backend waits until the backend is ready and returns it. An error becomes the tool error of every call. A
	// *tools.Refusal is shown as it is and must name what is missing and what to do.
	Backend func(ctx context.Context) (*Backend, error)
	// Channels are where approvers are asked, all at once. confirm.Client is used only for a client that declares that it
	// can show a form to its user.
	Channels []confirm.Channel
	// FallbackChannels are used as well where the client cannot be asked, or where its user's answer could not confirm the
	// change. Nil means none.
	FallbackChannels []confirm.Channel
	// ShowPage opens the page of a change in the browser of the local user, and returns nil once the browser has fetched it. It
	// returns no address. It must refuse a change of anybody but that user. Nil means that there is no local page.
	ShowPage func(ctx context.Context, c confirm.Change) error
	// PageURL returns the https address of the page of a change, for URL-mode elicitation. The address must be worth nothing
	// without a sign-in. Nil, or "", means that URL mode is not used.
	PageURL  func(change string) string
	Key      func() ([]byte, error) // seals requestState and session ids; at least 32 bytes, the same on every replica
	Version  string
	ReadOnly bool         // Operations has no writing operation, and the instructions mention none
	Log      *slog.Logger // nil discards all lines
	// OnLimited receives the name of each limit that refuses a caller, for a metric. It must not block. nil ignores
	// them.
	OnLimited func(limit string)
	// Now returns the time by which it is measured how fast a prompt was answered. Nil means time.Now.
	Now func() time.Time
}

// Server serves MCP. Create it with New.
type Server struct {
	cfg        Config
	mcp        *server.MCPServer
	cachedKeys atomic.Pointer[sealingKeys] // derived at first use; a failure is not cached
	bounds     limits.Bounds
	limits     *limits.Limiter // bounds authenticated callers
	calls      activeCalls     // running tool calls, without those that wait for an approver
	prompts    openPrompts     // prompts of initialize-era clients
	closing    atomic.Bool     // refuses further calls
	keepAlive  time.Duration   // see keepAliveInterval; tests shorten it
	close      func()          // cancels base, which ends every HTTP request
	base       context.Context
}

// New returns a server with one tool for each operation. Operations, Backend and Key are required.
func New(cfg Config) (*Server, error) {
	if cfg.Operations == nil || cfg.Backend == nil || cfg.Key == nil {
		return nil, errors.New("MCP server: Operations, Backend and Key are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg, keepAlive: keepAliveInterval}
	s.setBounds(limits.ForCallers())
	s.base, s.close = context.WithCancel(context.Background())
	text := instructions
	if cfg.ReadOnly {
		text = instructionsReadOnly
	}
	registerOnce := sync.OnceFunc(s.registerTools)
	hooks := &server.Hooks{}
	hooks.AddBeforeListTools(func(context.Context, any, *mcp.ListToolsRequest) { registerOnce() })
	hooks.AddBeforeCallTool(func(context.Context, any, *mcp.CallToolRequest) { registerOnce() })
	hooks.AddAfterInitialize(trimSession)
	s.mcp = server.NewMCPServer("scanwarden", cfg.Version, append(s.viewOptions(hooks),
		server.WithTitle("scanwarden"),
		server.WithInstructions(text),
		server.WithToolCapabilities(false),
		server.WithToolHandlerMiddleware(s.recoverAndCount),
		server.WithHooks(hooks),
	)...)
	s.addViewResource()
	return s, nil
}

// setBounds sets the limits of callers. It must be called before the first request.
func (s *Server) setBounds(b limits.Bounds) {
	s.bounds, s.limits = b, limits.New(b, s.reportLimit, nil)
}

// registerTools adds a tool for each operation. It must run before a client lists or calls tools.
func (s *Server) registerTools() {
	operations, err := s.cfg.Operations()
	if err != nil {
		s.cfg.Log.Error("failed to build the tool catalogue; the server has no tools", "error", err)
		return
	}
	for _, op := range operations {
		handler := s.newReadHandler(op)
		if op.Effect == tools.Proposes {
			handler = s.newWriteHandler(op)
		}
		s.mcp.AddTool(s.withView(newTool(op), op), handler)
	}
	s.addViewTools()
}

// derivedKeys returns the keys derived from Config.Key. It derives them at first use, so that nothing is read
// before the handshake.
func (s *Server) derivedKeys() (sealingKeys, error) {
	if known := s.cachedKeys.Load(); known != nil {
		return *known, nil
	}
	derived, err := deriveKeys(s.cfg.Key)
	if err == nil {
		s.cachedKeys.Store(&derived)
	}
	return derived, err
}

// newTool returns the MCP description of an operation.
func newTool(op tools.Operation) mcp.Tool {
	readOnly := op.ReadOnly()
	return mcp.Tool{
		Name: op.Name, Title: op.Title, Description: op.Description,
		RawInputSchema: op.Input, RawOutputSchema: op.Output,
		Annotations: mcp.ToolAnnotation{
			ReadOnlyHint:    mcp.ToBoolPtr(readOnly),
			DestructiveHint: mcp.ToBoolPtr(op.Destructive),
			IdempotentHint:  mcp.ToBoolPtr(op.Idempotent),
			OpenWorldHint:   mcp.ToBoolPtr(op.OpenWorld),
		},
	}
}

// newReadHandler returns a handler for an operation that does not change Defender.
func (s *Server) newReadHandler(op tools.Operation) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		caller, err := callerFrom(ctx)
		if err != nil {
			return nil, err
		}
		backend, err := s.cfg.Backend(ctx)
		if err != nil {
			return s.logRefusal(ctx, op.Name, err), nil
		}
		release, err := s.occupyRead(caller, op, req)
		if err != nil {
			return refusedResult(op.Name, s.asRefusal(ctx, caller, err)), nil
		}
		defer release()
		ctx, stop := s.forwardProgress(ctx, req, newWaitClock())
		defer stop()
		out, err := backend.Service.Call(ctx, caller.toolsCaller(), op.Name, argumentsOf(req))
		if err != nil {
			return s.logRefusal(ctx, op.Name, err), nil
		}
		return structuredResult(out), nil
	}
}

// errInternal is the only text that a client gets for a bug.
var errInternal = errors.New("internal error in scanwarden; its operator finds the cause in the log")

// recoverAndCount wraps a tool handler. It counts the call in s.calls, and turns a panic into an error result.
func (s *Server) recoverAndCount(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (res *mcp.CallToolResult, err error) {
		if s.closing.Load() {
			return nil, errors.New("scanwarden is shutting down; call again in a moment")
		}
		defer s.calls.enter()()
		defer func() {
			if p := recover(); p != nil {
				s.cfg.Log.ErrorContext(ctx, "panic in tool call", "tool", req.Params.Name, "panic", p, "stack", string(debug.Stack()))
				res, err = refusedResult(req.Params.Name, errInternal), nil
			}
		}()
		return next(ctx, req)
	}
}

// Close refuses further calls and ends the HTTP calls that wait for an approver, so that an HTTP server can shut
// down at once. Changes stay unchanged in the ledger.
func (s *Server) Close() {
	s.closing.Store(true)
	s.close()
}
