package mcpserver

import (
	"context"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/tools"
)

// heartbeatInterval is shorter than the idle limits of clients and proxies (the TypeScript SDK gives up after 60 s
// without news).
const heartbeatInterval = 15 * time.Second

// forwardProgress makes tools.Progress of the returned context reach the client, if it asked for progress, and
// repeats the last note while the work lasts. The last notes before an answer may be lost on their way (an
// upstream fault), so nothing may depend on them.
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
	telling, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.sendProgress(telling, token, notes, "working")
	}()
	return work, func() { cancel(); <-done }
}

// startHeartbeat shows that a change still waits for its person, until it is stopped.
func (s *Server) startHeartbeat(ctx context.Context, req mcp.CallToolRequest) (stop func()) {
	token := progressToken(req)
	if token == nil {
		return func() {}
	}
	telling, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.sendProgress(telling, token, nil, "waiting for a person to confirm")
	}()
	return func() { cancel(); <-done }
}

// sendProgress sends notes, and again the last one after every pause, until ctx ends.
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
		// Progress must grow with every note of a token, across the legs of a round trip too: the clock does.
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

func progressToken(req mcp.CallToolRequest) any {
	if req.Params.Meta == nil {
		return nil
	}
	return req.Params.Meta.ProgressToken
}
