package mcpserver_test

import (
	"context"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
)

// elicitHandler answers the prompts of an initialize-era client.
type elicitHandler func(message string) *mcp.ElicitationResult

func (e elicitHandler) Elicit(_ context.Context, req mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	return e(req.Params.Message), nil
}

// dialInitializeEra connects an initialize-era client.
func (s *stack) dialInitializeEra(t *testing.T, handler elicitHandler, more ...transport.StreamableHTTPCOption) *client.Client {
	t.Helper()
	more = append(more, transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + adaToken}))
	wire, err := transport.NewStreamableHTTP(s.url, more...)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 an initialize-era client is what these tests are about
	opts := []client.ClientOption{client.WithLegacyProtocolOnly()}
	if handler != nil {
		opts = append(opts, client.WithElicitationHandler(handler))
	}
	c := client.NewClient(wire, opts...)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	hello := mcp.InitializeRequest{}
	hello.Params.ProtocolVersion = "2025-11-25"
	if _, err := c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (s *stack) callInitializeEra(t *testing.T, c *client.Client, tool string, args any) (*mcp.CallToolResult, error) {
	t.Helper()
	req := mcp.CallToolRequest{}
	req.Params.Name, req.Params.Arguments = tool, args
	return c.CallTool(t.Context(), req)
}

func acceptCode(code string) *mcp.ElicitationResult {
	res := &mcp.ElicitationResult{}
	res.Action, res.Content = mcp.ElicitationResponseActionAccept, map[string]any{"code": code}
	return res
}

func TestAnInitializeEraClientIsAskedInItsCall(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	asked := 0
	c := s.dialInitializeEra(t, func(message string) *mcp.ElicitationResult {
		s.think()
		if asked++; asked == 1 {
			return acceptCode("WRONG")
		}
		return acceptCode(codeLine.FindStringSubmatch(message)[1])
	})
	got, err := s.callInitializeEra(t, c, "add_scan", s.newScan("From before"))
	if err != nil || got.IsError || asked != 2 {
		t.Fatalf("asked %d times: %+v, %v", asked, got, err)
	}
	s.wantWrites(t, 1)
}

func TestAnInitializeEraClientThatCannotAskIsRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	got, err := s.callInitializeEra(t, s.dialInitializeEra(t, nil), "add_scan", s.newScan("Unseen"))
	if err != nil || !got.IsError {
		t.Fatalf("%+v, %v", got, err)
	}
	s.wantWrites(t, 0)
}

func TestClosingTheServerEndsWaitingCalls(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	asked, hold := make(chan struct{}), make(chan struct{})
	defer close(hold)
	c := s.dialInitializeEra(t, func(string) *mcp.ElicitationResult {
		close(asked)
		<-hold
		return &mcp.ElicitationResult{}
	})
	ended := make(chan error, 1)
	go func() {
		_, err := s.callInitializeEra(t, c, "add_scan", s.newScan("Too late"))
		ended <- err
	}()
	<-asked
	s.server.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the call ended as if nothing had happened")
		}
	case <-time.After(time.Minute):
		t.Error("the call still hangs")
	}
	s.wantWrites(t, 0)
}

// A prompt of an initialize-era client that disconnects can no longer be answered, so its change is withdrawn.
func TestTheChangeOfAnAbandonedPromptIsWithdrawn(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	asked, hold := make(chan struct{}), make(chan struct{})
	defer close(hold)
	c := s.dialInitializeEra(t, func(string) *mcp.ElicitationResult {
		close(asked)
		<-hold
		return &mcp.ElicitationResult{}
	})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		req := mcp.CallToolRequest{}
		req.Params.Name, req.Params.Arguments = "add_scan", s.newScan("Abandoned")
		_, _ = c.CallTool(ctx, req)
	}()
	<-asked
	open, err := s.Gate.OpenChanges(t.Context(), "token:ada")
	if err != nil || len(open) != 1 {
		t.Fatalf("open changes: %v %v", open, err)
	}
	leave()
	wait, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := s.Gate.Wait(wait, open[0].ID); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("the change is %s, %v", got.State, err)
	}
}
