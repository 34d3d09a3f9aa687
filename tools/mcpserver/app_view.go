package mcpserver

import (
	"context"
	_ "embed"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/tools"
)

// The view is a card that a host with the MCP Apps extension (revision 2026-01-26) draws beside a call: the plan, how the
// change stands, and a button that opens its page. It decides nothing and has no code. Clients without the extension
// receive no byte of it.
const (
	appExtension = "io.modelcontextprotocol/ui"
	appMIMEType  = "text/html;profile=mcp-app"
	viewURI      = "ui://scanwarden/change.html"
)

// viewHTML is constant, because any caller may read it.
//
//go:embed app_view.html
var viewHTML string

// hasView reports whether this server has a page that the view can open.
func (s *Server) hasView() bool {
	return !s.cfg.ReadOnly && (s.cfg.ShowPage != nil || s.cfg.PageURL != nil)
}

// viewOptions returns the options of a server with a view; none if there is no page to open.
func (s *Server) viewOptions(hooks *server.Hooks) []server.ServerOption {
	if !s.hasView() {
		return nil
	}
	hooks.AddAfterInitialize(func(_ context.Context, _ any, req *mcp.InitializeRequest, res *mcp.InitializeResult) {
		trimCapabilities(declaresView(&req.Params.Capabilities), &res.Capabilities)
	})
	hooks.AddAfterDiscover(func(ctx context.Context, _ any, _ *mcp.DiscoverRequest, res *mcp.DiscoverResult) {
		trimCapabilities(supportsView(ctx), &res.Capabilities)
	})
	return []server.ServerOption{
		server.WithExtensions(map[string]any{appExtension: map[string]any{}}),
		server.WithToolFilter(filterViewTools),
	}
}

// trimCapabilities removes what only a client with a view needs. Some clients give their model three more tools as soon as a
// server has resources.
func trimCapabilities(view bool, c *mcp.ServerCapabilities) {
	if !view {
		c.Resources, c.Extensions = nil, nil
	}
}

// addViewResource adds the card. The library declares the capability of resources by itself.
func (s *Server) addViewResource() {
	if !s.hasView() {
		return
	}
	s.mcp.AddResource(mcp.Resource{URI: viewURI, Name: "change", Title: "A change that waits for a person", MIMEType: appMIMEType},
		func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			return []mcp.ResourceContents{mcp.TextResourceContents{
				URI: viewURI, MIMEType: appMIMEType, Text: viewHTML,
				Meta: map[string]any{"ui": map[string]any{"prefersBorder": true}},
			}}, nil
		})
}

// declaresView reports whether the capabilities name the extension with the type of the card.
func declaresView(c *mcp.ClientCapabilities) bool {
	if c == nil {
		return false
	}
	ui, _ := c.Extensions[appExtension].(map[string]any)
	types, _ := ui["mimeTypes"].([]any)
	return slices.Contains(types, any(appMIMEType))
}

// supportsView reports whether the client of this request draws views.
func supportsView(ctx context.Context) bool { return declaresView(clientCapabilities(ctx)) }

// keptExtensions returns what a session has to remember of the client's extensions; nil if nothing.
func keptExtensions(c mcp.ClientCapabilities) map[string]any {
	if !declaresView(&c) {
		return nil
	}
	return map[string]any{appExtension: map[string]any{"mimeTypes": []any{appMIMEType}}}
}

// viewMeta is the metadata of a tool whose results the card shows. Visibility is written out, because a host skips a view
// without it.
func viewMeta() *mcp.Meta {
	return mcp.NewMetaFromMap(map[string]any{"ui": map[string]any{"resourceUri": viewURI, "visibility": []string{"model", "app"}}})
}

// isAppOnly reports whether a tool is for the card alone.
func isAppOnly(t mcp.Tool) bool { return t.Name == openPageTool || t.Name == planTool }

// filterViewTools removes the tools of the card, and the metadata about it, for a client that draws no views. The library
// then also refuses calls of the removed tools.
func filterViewTools(ctx context.Context, list []mcp.Tool) []mcp.Tool {
	if supportsView(ctx) {
		return list
	}
	kept := make([]mcp.Tool, 0, len(list))
	for _, t := range list {
		if !isAppOnly(t) {
			t.Meta = nil
			kept = append(kept, t)
		}
	}
	return kept
}

// addViewTools adds the tools that the card calls. It must run after the operations were added.
func (s *Server) addViewTools() {
	if !s.hasView() {
		return
	}
	s.mcp.AddTool(newAppTool(planTool, "What a change of this caller would do, for its card"), s.handlePlan)
	s.mcp.AddTool(newAppTool(openPageTool, "Opens the page of a change of this caller for the user"), s.handleOpenPage)
}

// newAppTool returns the description of a tool of the card.
func newAppTool(name, description string) mcp.Tool {
	return mcp.Tool{
		Name: name, Description: description,
		RawInputSchema: []byte(`{"type":"object","properties":{"change_id":{"type":"string"}},"required":["change_id"],"additionalProperties":false}`),
		Annotations: mcp.ToolAnnotation{
			ReadOnlyHint: mcp.ToBoolPtr(true), DestructiveHint: mcp.ToBoolPtr(false),
			IdempotentHint: mcp.ToBoolPtr(true), OpenWorldHint: mcp.ToBoolPtr(false),
		},
		Meta: mcp.NewMetaFromMap(map[string]any{"ui": map[string]any{"visibility": []string{"app"}}}),
	}
}

// withView returns the description of a tool with the card, if the operation proposes a change and there is a view.
func (s *Server) withView(t mcp.Tool, op tools.Operation) mcp.Tool {
	if s.hasView() && op.Effect == tools.Proposes {
		t.Meta = viewMeta()
	}
	return t
}
