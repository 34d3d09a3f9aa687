package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/tools"
)

// Elicitor shows message to the user and returns the code that the user typed. ok is false if the user declines.
type Elicitor func(message string) (code string, ok bool)

// Elicit implements client.ElicitationHandler.
func (ask Elicitor) Elicit(_ context.Context, req mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	code, ok := ask(req.Params.Message)
	res := &mcp.ElicitationResult{}
	if !ok {
		res.Action = mcp.ElicitationResponseActionDecline
		return res, nil
	}
	res.Action = mcp.ElicitationResponseActionAccept
	res.Content = map[string]any{"code": code}
	return res, nil
}

// Client is an MCP client for `scanwarden try`.
type Client struct{ client *client.Client }

// Dial connects to a server over HTTP and initializes the session. token may be empty. The caller must close the
// Client.
func Dial(ctx context.Context, url, token string, ask Elicitor) (*Client, error) {
	var opts []transport.StreamableHTTPCOption
	if token != "" {
		opts = append(opts, transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + token}))
	}
	opts = append(opts, transport.WithHTTPBasicClient(&http.Client{Timeout: time.Hour}))
	wire, err := transport.NewStreamableHTTP(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("dial MCP server: %w", err)
	}
	c := client.NewClient(wire, client.WithElicitationHandler(ask))
	if err := c.Start(ctx); err != nil {
		return nil, fmt.Errorf("dial MCP server: %w", err)
	}
	hello := mcp.InitializeRequest{}
	hello.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	hello.Params.ClientInfo = mcp.Implementation{Name: "scanwarden try"}
	if _, err := c.Initialize(ctx, hello); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("initialize session with MCP server: %w", err)
	}
	return &Client{client: c}, nil
}

// Call calls a tool and returns its result. A refusal is a result, not an error.
func (s *Client) Call(ctx context.Context, tool string, args map[string]any) (tools.Result, error) {
	req := mcp.CallToolRequest{}
	req.Params.Name, req.Params.Arguments = tool, args
	res, err := s.client.CallTool(ctx, req)
	if err != nil {
		return tools.Result{}, fmt.Errorf("call %s: %w", tool, err)
	}
	text, err := json.Marshal(res.StructuredContent)
	if err != nil {
		return tools.Result{}, fmt.Errorf("read result of %s: %w", tool, err)
	}
	var out tools.Result
	if err := json.Unmarshal(text, &out); err != nil {
		return tools.Result{}, fmt.Errorf("read result of %s: %w", tool, err)
	}
	return out, nil
}

// Close ends the session.
func (s *Client) Close() error { return s.client.Close() }
