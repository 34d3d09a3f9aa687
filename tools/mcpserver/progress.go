package mcpserver

import (
	"context"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/tools"
)

// heartbeatInterval is shorter than the idle timeouts of clients and proxies (the TypeScript SDK's is 60 s).
const heartbeatInterval = 15 * time.Second

// forwardProgress returns a context in which tools.Progress sends notes to the client, if the client requested
// progress. It repeats the last note until stop is called. The last notes before an answer can be lost (a fault of
// the library), so nothing must depend on them.
func (s *Server) forwardProgress(ctx context.Context, req mcp.CallToolRequest) (_ context.Context, stop func()) {
	token := progressToken(req)
	if token == nil {
		return ctx, func() {}
	}
	notes := make(chan string, 8)
	work := tools.WithProgress(ctx, func(note string) {
		select {
		case notes <- note:
		default: // a slow client misses notes; the work does not wait for it
		}
	})
	sendCtx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.sendProgress(sendCtx, token, notes, "working")
	}()
	return work, func() { cancel(); <-done }
}

// startHeartbeat sends progress while a change waits for its approver, until stop is called.
func (s *Server) startHeartbeat(ctx context.Context, req mcp.CallToolRequest) (stop func()) {
	token := progressToken(req)
	if token == nil {
		return func() {}
	}
	sendCtx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.sendProgress(sendCtx, token, nil, "waiting for a person to confirm")
	}()
	return func() { cancel(); <-done }
}

// sendProgress sends notes, and repeats the last one after every heartbeatInterval, until ctx ends.
func (s *Server) sendProgress(ctx context.Context, token any, notes <-chan string, note string) {
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for {
		select {
		case note = <-notes:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		// Progress must grow with every note of a token, also across the calls of a round trip. The clock does.
		params := map[string]any{
			"progressToken": token,
			"progress":      float64(time.Now().UnixMilli()) / 1000,
			"message":       note,
		}
		if err := s.mcp.SendNotificationToClient(ctx, "notifications/progress", params); err != nil {
			s.cfg.Log.DebugContext(ctx, "progress was not delivered", "error", fmt.Sprint(err))
		}
	}
}

// progressToken returns the token of a call that requested progress, and nil otherwise.
func progressToken(req mcp.CallToolRequest) any {
	if req.Params.Meta == nil {
		return nil
	}
	return req.Params.Meta.ProgressToken
}
