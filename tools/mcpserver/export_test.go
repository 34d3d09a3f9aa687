package mcpserver

import (
	"context"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
)

// SeeHeaders shows the header of every tool call as a handler gets it.
func (s *Server) SeeHeaders(see func(http.Header)) {
	s.mcp.Use(func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			see(req.Header)
			return next(ctx, req)
		}
	})
}

// SeeAskers shows how every tool call names its caller to the gate.
func (s *Server) SeeAskers(see func(confirm.Requester)) {
	s.mcp.Use(func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			if c, err := callerFrom(ctx); err == nil {
				see(s.asker(ctx, c))
			}
			return next(ctx, req)
		}
	})
}

// For the fuzz test: seal and open with plain arguments.

func SealForTest(key []byte, change string, round int, principal, tool string) (string, error) {
	return seal(key, question{Change: change, Round: round}, asked{principal: principal, tool: tool})
}

func OpenForTest(key []byte, state, principal, tool string) (change string, round int, err error) {
	q, err := open(key, state, asked{principal: principal, tool: tool})
	return q.Change, q.Round, err
}
