package mcpserver

import (
	"context"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/internal/limits"
)

// Tests retry sooner than a server. The value is set before all tests, because they run in parallel.
func init() { readRetryInterval = 20 * time.Millisecond }

// ObserveHeaders calls see with the header of every tool call as a handler receives it.
func (s *Server) ObserveHeaders(see func(http.Header)) {
	s.mcp.Use(func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			see(req.Header)
			return next(ctx, req)
		}
	})
}

// ObserveRequesters calls see with the requester of every tool call as the Gate receives it.
func (s *Server) ObserveRequesters(see func(confirm.Requester)) {
	s.mcp.Use(func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			if c, err := callerFrom(ctx); err == nil {
				see(s.requester(ctx, c))
			}
			return next(ctx, req)
		}
	})
}

// SetKeepAlive sets the longest silence on a response. It must be called before Handler.
func (s *Server) SetKeepAlive(d time.Duration) { s.keepAlive = d }

// ServeStreamForTest serves a request by handle with a response that a server keeps alive.
func ServeStreamForTest(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
	stream := newEventStream(w, r, keepAliveInterval)
	if stream == nil {
		handle(w, r)
		return
	}
	defer stream.end()
	handle(stream, r)
}

// SetBounds sets the limits of callers. It must be called before Handler.
func (s *Server) SetBounds(b limits.Bounds) { s.setBounds(b) }

// Sealing and opening for the fuzz test, with plain arguments.

func SealForTest(key []byte, change string, round int, principal, tool string) (string, error) {
	return sealState(key, statePayload{Change: change, Round: round}, stateBinding{principal: principal, tool: tool})
}

func OpenForTest(key []byte, state, principal, tool string) (change string, round int, err error) {
	q, err := openState(key, state, stateBinding{principal: principal, tool: tool})
	return q.Change, q.Round, err
}
