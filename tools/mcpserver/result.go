package mcpserver

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// argumentsOf returns the call's arguments as the client sent them, or an empty object if there are none.
func argumentsOf(req mcp.CallToolRequest) json.RawMessage {
	if len(req.Params.RawArguments) == 0 || string(req.Params.RawArguments) == "null" {
		return json.RawMessage("{}")
	}
	return req.Params.RawArguments
}

// structuredResult returns a result with value as structured content, and as JSON text for clients that read only
// text. A long tools.List is cut.
func structuredResult(value any) *mcp.CallToolResult {
	text, err := marshalAnswer(value)
	if err != nil {
		return refusedResult("", errInternal)
	}
	res := mcp.NewToolResultStructured(json.RawMessage(text), string(text))
	if r, ok := value.(tools.Result); ok {
		res.IsError = r.Status == string(confirm.Failed)
	}
	return res
}

// logRefusal logs err and returns refusedResult. The log has what the caller must not see, and of a refusal of arguments
// only the field and the rule.
func (s *Server) logRefusal(ctx context.Context, operation string, err error) *mcp.CallToolResult {
	caller, _ := callerFrom(ctx) // empty for a call that was not authenticated
	s.cfg.Log.InfoContext(ctx, "refused",
		append([]any{"tool", operation, "by", caller.principal, "agent", caller.agent}, tools.RefusalAttrs(err)...)...)
	return refusedResult(operation, err)
}

// refusedResult returns a tool error that a model can act on: one plain sentence, and the fields of tools.Result.
func refusedResult(operation string, err error) *mcp.CallToolResult {
	r := tools.Refused(operation, err)
	text := r.Reason
	if r.Next != "" {
		text += " " + r.Next
	}
	res := mcp.NewToolResultStructured(r, text)
	res.IsError = r.Status == "refused"
	return res
}
