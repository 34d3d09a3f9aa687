package mcpserver

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/tools"
)

// heartbeatInterval is shorter than the idle timeouts of clients and proxies (the TypeScript SDK's is 60 s).
const heartbeatInterval = 15 * time.Second

// forwardProgress returns a context in which tools.Progress sends notes to the client, if the client requested
// progress. It repeats the last note until stop is called.
func (s *Server) forwardProgress(ctx context.Context, req mcp.CallToolRequest, clock *waitClock) (_ context.Context, stop func()) {
	p := s.newProgress(ctx, req, clock)
	if p == nil {
		return ctx, func() {}
	}
	notes := make(chan string, 8)
	work := tools.WithProgress(ctx, func(note string) {
		select {
		case notes <- note:
		default: // a slow client misses notes; the work does not wait for it
		}
	})
	return work, p.start(ctx, notes, "working")
}

// startHeartbeat sends progress while a change waits for its approver, until stop is called.
func (s *Server) startHeartbeat(ctx context.Context, req mcp.CallToolRequest, clock *waitClock) (stop func()) {
	p := s.newProgress(ctx, req, clock)
	if p == nil {
		return func() {}
	}
	return p.start(ctx, nil, "waiting for a person to confirm")
}

// progress sends the progress of one call.
type progress struct {
	*Server
	token  any
	clock  *waitClock
	stream *eventStream // nil sends through the library, as on stdio
}

// newProgress returns nil if the client did not request progress.
func (s *Server) newProgress(ctx context.Context, req mcp.CallToolRequest, clock *waitClock) *progress {
	token := progressToken(req)
	if token == nil {
		return nil
	}
	return &progress{Server: s, token: token, clock: clock, stream: eventStreamFrom(ctx)}
}

// start sends notes from a goroutine of its own until stop is called or ctx ends. stop returns when nothing more is sent.
func (p *progress) start(ctx context.Context, notes <-chan string, note string) (stop func()) {
	sendCtx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.run(sendCtx, notes, note)
	}()
	return func() { cancel(); <-done }
}

// run sends notes, and repeats the last one after every heartbeatInterval, until ctx ends.
func (p *progress) run(ctx context.Context, notes <-chan string, note string) {
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for {
		select {
		case note = <-notes:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := p.send(ctx, note); err != nil {
			p.cfg.Log.DebugContext(ctx, "progress was not delivered", "error", fmt.Sprint(err))
		}
	}
}

// send sends a note on the response to its own call, whose client and proxy wait for it. On stdio there is one stream.
func (p *progress) send(ctx context.Context, note string) error {
	const method = "notifications/progress"
	params := map[string]any{"progressToken": p.token, "progress": p.clock.seconds(), "message": note}
	if p.stream != nil {
		return p.stream.notify(method, params)
	}
	return p.mcp.SendNotificationToClient(ctx, method, params)
}

// waitClock counts the seconds that a client has waited, also over the two calls of a confirmation. It is used by one
// goroutine at a time.
type waitClock struct {
	began time.Time
	last  float64
}

func newWaitClock() *waitClock { return &waitClock{began: time.Now()} }

// continueFrom counts from an earlier call, in Unix milliseconds. It ignores a later time, such as that of a replica whose
// clock is ahead.
func (c *waitClock) continueFrom(began int64) {
	if t := time.UnixMilli(began); began > 0 && t.Before(c.began) {
		c.began = t
	}
}

// seconds returns the seconds since the first call, in milliseconds. Each value is larger than the one before, as the
// protocol demands.
func (c *waitClock) seconds() float64 {
	c.last = max(float64(time.Since(c.began).Milliseconds()), c.last+1)
	return c.last / 1000
}

// maxExactInteger is the largest integer that a float64, as which the library decodes numbers, has exactly together with
// all smaller ones.
const maxExactInteger = 1<<53 - 1

// progressToken returns the token of a call that requested progress, and nil otherwise. A number that the library may have
// rounded counts as no token: the client would not know it.
func progressToken(req mcp.CallToolRequest) any {
	if req.Params.Meta == nil {
		return nil
	}
	token := any(req.Params.Meta.ProgressToken)
	if n, ok := token.(float64); ok && math.Abs(n) > maxExactInteger {
		return nil
	}
	return token
}
