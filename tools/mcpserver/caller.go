package mcpserver

import (
	"context"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
)

// caller is who is at the other end, as the transport has authenticated them.
type caller struct {
	principal confirm.Principal
	via       string
	local     bool // the person at this process's own stdio
}

type callerKey struct{}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerFrom fails closed: a call that came past the doors has no caller.
func callerFrom(ctx context.Context) (caller, error) {
	c, ok := ctx.Value(callerKey{}).(caller)
	if !ok || c.principal == "" {
		return caller{}, errors.New("the caller is not known")
	}
	return c, nil
}

// asker names the caller to the gate, with the channels that can reach a person for this call.
func (s *Server) asker(ctx context.Context, c caller) confirm.Asker {
	by := confirm.Asker{Principal: c.principal, Via: c.via, Local: c.local}
	for _, ch := range s.cfg.Channels {
		if ch != confirm.Client || canAsk(ctx) {
			by.Channels = append(by.Channels, ch)
		}
	}
	return by
}

// canAsk reports whether the client has declared that it can show a form to its person. The library sends
// elicitations to clients that never did, so this is the only check. An empty capability means forms
// (MCP 2025-11-25 and 2026-07-28, client/elicitation).
func canAsk(ctx context.Context) bool {
	var e *mcp.ElicitationCapability
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		if info.ClientCapabilities != nil {
			e = info.ClientCapabilities.Elicitation
		}
	} else if session, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		e = session.GetClientCapabilities().Elicitation
	}
	return e != nil && (e.Form != nil || e.URL == nil)
}
