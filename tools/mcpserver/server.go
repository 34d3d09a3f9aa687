package mcpserver

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// instructions tell the model how to work with a server whose writes wait for people.
//
//go:embed instructions.md
var instructions string

// instructionsToRead tell the model of a server that only reads.
//
//go:embed instructions_read_only.md
var instructionsToRead string

// Backend is what tool calls need; it may take a moment to stand after the handshake is already answered.
type Backend struct {
	Service *tools.Service
	Gate    *confirm.Gate
}

// Config configures a Server.
type Config struct {
	// Operations makes the catalogue. It is called when a client first asks for a tool: making the schemas takes
	// longer than answering the handshake.
	Operations func() ([]tools.Operation, error)
	// Backend waits until the rooms behind the door stand. Its error says in plain words what is missing and
	// what to do; it becomes the tool error of every call.
	Backend  func(ctx context.Context) (*Backend, error)
	Channels []confirm.Channel      // where changes are put to people; confirm.Client only counts where the client can ask
	Key      func() ([]byte, error) // 32 bytes, the same on every replica: seals requestState and session ids
	Version  string
	ReadOnly bool         // Operations has none that writes: the instructions promise none
	Log      *slog.Logger // nil means silence
}

// Server serves MCP. Make one with New.
type Server struct {
	cfg     Config
	mcp     *server.MCPServer
	keyring atomic.Pointer[keys] // derived at first use; a failure is tried again
	calls   counter              // tool calls that are being worked on, not those that wait for a person
	closing atomic.Bool          // no further calls
	close   func()               // ends every HTTP request
	base    context.Context
}

// New returns a server with one tool for each operation.
func New(cfg Config) (*Server, error) {
	if cfg.Operations == nil || cfg.Backend == nil || cfg.Key == nil {
		return nil, errors.New("MCP server: Operations, Backend and Key are needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg}
	s.base, s.close = context.WithCancel(context.Background())
	advice := instructions
	if cfg.ReadOnly {
		advice = instructionsToRead
	}
	offer := sync.OnceFunc(s.offer)
	hooks := &server.Hooks{}
	hooks.AddBeforeListTools(func(context.Context, any, *mcp.ListToolsRequest) { offer() })
	hooks.AddBeforeCallTool(func(context.Context, any, *mcp.CallToolRequest) { offer() })
	s.mcp = server.NewMCPServer("scanwarden", cfg.Version,
		server.WithTitle("scanwarden"),
		server.WithInstructions(advice),
		server.WithToolCapabilities(false),
		server.WithToolHandlerMiddleware(s.guard),
		server.WithHooks(hooks),
	)
	return s, nil
}

// offer adds the tools, before the first client sees that there are none.
func (s *Server) offer() {
	operations, err := s.cfg.Operations()
	if err != nil {
		s.cfg.Log.Error("there are no tools: the catalogue cannot be made", "error", err)
		return
	}
	for _, op := range operations {
		handler := s.call(op)
		if op.Effect == tools.Proposes {
			handler = s.write(op)
		}
		s.mcp.AddTool(describe(op), handler)
	}
}

// keys are derived when they are first needed: nothing is read before the handshake.
func (s *Server) keys() (keys, error) {
	if known := s.keyring.Load(); known != nil {
		return *known, nil
	}
	derived, err := deriveKeys(s.cfg.Key)
	if err == nil {
		s.keyring.Store(&derived)
	}
	return derived, err
}

// describe puts an operation into MCP's words.
func describe(op tools.Operation) mcp.Tool {
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

// call serves an operation that does not write to Defender.
func (s *Server) call(op tools.Operation) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		caller, err := callerFrom(ctx)
		if err != nil {
			return nil, err
		}
		back, err := s.cfg.Backend(ctx)
		if err != nil {
			return s.refuse(ctx, op.Name, err), nil
		}
		ctx, stop := s.showProgress(ctx, req)
		defer stop()
		out, err := back.Service.Call(ctx, caller.toolsCaller(), op.Name, arguments(req))
		if err != nil {
			return s.refuse(ctx, op.Name, err), nil
		}
		return structured(out), nil
	}
}

// errInternal is all that a client learns of a bug.
var errInternal = errors.New("scanwarden failed inside; an operator finds the cause in its log")

// guard is the outermost layer of every tool call: it counts the call, and a panic costs one answer.
func (s *Server) guard(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (res *mcp.CallToolResult, err error) {
		if s.closing.Load() {
			return nil, errors.New("scanwarden is shutting down; call again in a moment")
		}
		defer s.calls.enter()()
		defer func() {
			if p := recover(); p != nil {
				s.cfg.Log.ErrorContext(ctx, "panic in tool call", "tool", req.Params.Name, "panic", p, "stack", string(debug.Stack()))
				res, err = refusal(req.Params.Name, errInternal), nil
			}
		}()
		return next(ctx, req)
	}
}

// Close refuses further calls and ends those over HTTP that wait for a person, so that an HTTP server can
// shut down at once. Changes stay as they are in the ledger.
func (s *Server) Close() {
	s.closing.Store(true)
	s.close()
}

// counter counts work in progress; settled tells when there is none.
type counter struct {
	mu      sync.Mutex
	entered int // ever
	active  int
	changed chan struct{}
}

func (c *counter) enter() (leave func()) {
	c.add(1, 1)
	return func() { c.add(0, -1) }
}

// aside takes a call out of the count while it waits for a person.
func (c *counter) aside() (back func()) {
	c.add(0, -1)
	return func() { c.add(0, 1) }
}

func (c *counter) add(entered, active int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entered += entered
	c.active += active
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// settled waits until at least n calls have entered and none is active, or ctx ends.
func (c *counter) settled(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		if c.entered >= n && c.active == 0 {
			c.mu.Unlock()
			return nil
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for calls to end: %w", ctx.Err())
		}
	}
}
