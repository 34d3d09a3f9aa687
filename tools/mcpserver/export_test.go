package mcpserver

import (
	"context"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
)

// ObserveHeaders shows the header of every tool call as a handler gets it.
func (s *Server) ObserveHeaders(see func(http.Header)) {
	s.mcp.Use(func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			see(req.Header)
			return next(ctx, req)
		}
	})
}

// ObserveRequesters shows how every tool call names its caller to the gate.
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

// For the fuzz test: seal and open with plain arguments.

func SealForTest(key []byte, change string, round int, principal, tool string) (string, error) {
	return sealState(key, statePayload{Change: change, Round: round}, stateBinding{principal: principal, tool: tool})
}

func OpenForTest(key []byte, state, principal, tool string) (change string, round int, err error) {
	q, err := openState(key, state, stateBinding{principal: principal, tool: tool})
	return q.Change, q.Round, err
}
