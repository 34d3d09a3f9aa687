package mcpserver

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// argumentsOf returns the call's arguments as the client sent them; none is an empty object.
func argumentsOf(req mcp.CallToolRequest) json.RawMessage {
	if len(req.Params.RawArguments) == 0 || string(req.Params.RawArguments) == "null" {
		return json.RawMessage("{}")
	}
	return req.Params.RawArguments
}

// structuredResult answers with a value, and the same as JSON text for clients that read only text.
func structuredResult(value any) *mcp.CallToolResult {
	text, err := json.Marshal(value)
	if err != nil {
		return refusedResult("", errInternal)
	}
	res := mcp.NewToolResultStructured(json.RawMessage(text), string(text))
	if r, ok := value.(tools.Result); ok {
		res.IsError = r.Status == string(confirm.Failed)
	}
	return res
}

// logRefusal is refusal with a line in the log: what a caller is not told, an operator has to find somewhere.
func (s *Server) logRefusal(ctx context.Context, operation string, err error) *mcp.CallToolResult {
	by, _ := callerFrom(ctx) // nobody, for a call that came past the doors
	s.cfg.Log.InfoContext(ctx, "refused", "tool", operation, "by", by.principal, "agent", by.agent, "error", err)
	return refusedResult(operation, err)
}

// refusedResult is a tool error that a model can act on: one plain sentence, and the contract's fields.
func refusedResult(operation string, err error) *mcp.CallToolResult {
	r := tools.Refused(operation, err)
	text := r.Reason
	if r.Next != "" {
		text += " " + r.Next
	}
	res := mcp.NewToolResultStructured(r, text)
	res.IsError = true
	return res
}
