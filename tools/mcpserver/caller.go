package mcpserver

import (
	"context"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// callerIdentity is the caller as the transport has authenticated it.
type callerIdentity struct {
	principal confirm.Principal // "" can list the tools and nothing else
	groups    []string          // verified groups of the principal
	agent     bool              // an application or an AI agent: can propose, never decide
	session   string            // owner of initialize-era sessions; "" means the principal
	source    string
	local     bool // the user of this process's own stdio
}

// sealedName returns the name of the caller in seals. An agent that acts for a user has that user's principal, so
// its name differs: it must not continue what the user began.
func (c callerIdentity) sealedName() string {
	if c.agent {
		return "agent of " + string(c.principal)
	}
	return string(c.principal)
}

// sessionOwner returns the owner of the caller's initialize-era sessions.
func (c callerIdentity) sessionOwner() string {
	if c.session != "" {
		return c.session
	}
	return c.sealedName()
}

type callerKey struct{}

// toolsCaller returns the caller as package tools represents it.
func (c callerIdentity) toolsCaller() tools.Caller {
	return tools.Caller{Principal: c.principal, Agent: c.agent}
}

// withCaller returns a context that carries the caller from the transport to the tool handlers, because the library
// determines their signature. From there on, the caller is a parameter.
func withCaller(ctx context.Context, c callerIdentity) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerFrom returns the caller of a tool call, or an error if there is none: a call that was not authenticated
// must fail.
func callerFrom(ctx context.Context) (callerIdentity, error) {
	c, ok := ctx.Value(callerKey{}).(callerIdentity)
	if !ok || c.principal == "" {
		return callerIdentity{}, errors.New("the caller is not known")
	}
	return c, nil
}

// requester returns the caller as the requester of a change, with the channels that can reach an approver during
// this call. An agent's client is not a channel, because its answer would be the agent's own.
func (s *Server) requester(ctx context.Context, c callerIdentity) confirm.Requester {
	requester := confirm.Requester{
		Principal: c.principal, Source: c.source, Local: c.local, Groups: c.groups, Agent: c.agent, Fallback: s.cfg.FallbackChannels,
	}
	for _, ch := range s.cfg.Channels {
		if ch != confirm.Client || supportsForms(ctx) && !c.agent {
			requester.Channels = append(requester.Channels, ch)
		}
	}
	return requester
}

// supportsForms reports whether the client has declared that it can show a form to its user. This is the only
// check: the library also sends elicitations to clients without the capability. An empty capability means forms
// (MCP 2025-11-25 and 2026-07-28, client/elicitation).
func supportsForms(ctx context.Context) bool {
	e := elicitationCapability(ctx)
	return e != nil && (e.Form != nil || e.URL == nil)
}

// supportsURLs reports whether the client has declared that it can show an address to its user, to be opened.
func supportsURLs(ctx context.Context) bool {
	e := elicitationCapability(ctx)
	return e != nil && e.URL != nil
}

// elicitationCapability returns what the client has declared about prompts; nil if nothing.
func elicitationCapability(ctx context.Context) *mcp.ElicitationCapability {
	if c := clientCapabilities(ctx); c != nil {
		return c.Elicitation
	}
	return nil
}

// clientCapabilities returns what the client of this request has declared; nil if nothing.
func clientCapabilities(ctx context.Context) *mcp.ClientCapabilities {
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		return info.ClientCapabilities
	}
	if session, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		c := session.GetClientCapabilities()
		return &c
	}
	return nil
}
