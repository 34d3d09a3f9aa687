package mcpserver

import (
	"context"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// caller is who is at the other end, as the transport has authenticated them.
type caller struct {
	principal confirm.Principal // "" may list tools and nothing else
	groups    []string          // of the principal, verified
	agent     bool              // no person: may ask, never decide
	session   string            // what initialize-era sessions are bound to; "" means the principal
	via       string
	local     bool // the person at this process's own stdio
}

// identity is what seals name a caller by. An agent that acts for a person has that person's principal, and must not
// take up what was begun with the person.
func (c caller) identity() string {
	if c.agent {
		return "agent of " + string(c.principal)
	}
	return string(c.principal)
}

// holder is who an initialize-era session belongs to.
func (c caller) holder() string {
	if c.session != "" {
		return c.session
	}
	return c.identity()
}

type callerKey struct{}

// toolsCaller returns the caller as the tools know them.
func (c caller) toolsCaller() tools.Caller {
	return tools.Caller{Principal: c.principal, Agent: c.agent}
}

// withCaller carries the caller from the transport to the tool handlers, whose signature is the library's; from there
// on the caller is a parameter.
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

// asker names the caller to the gate, with the channels that can reach a person for this call. What an agent's
// client answers is the agent's own word, so nobody is asked there.
func (s *Server) asker(ctx context.Context, c caller) confirm.Requester {
	by := confirm.Requester{Principal: c.principal, Source: c.via, Local: c.local, Groups: c.groups, Agent: c.agent}
	for _, ch := range s.cfg.Channels {
		if ch != confirm.Client || canAsk(ctx) && !c.agent {
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
