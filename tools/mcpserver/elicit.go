package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
)

// elicitSync puts a question to an initialize-era client, whose call hangs until its person has answered. The library
// would do so too, and go on waiting after the change has ended elsewhere: decided, taken back, or expired.
func (w writeCall) elicitSync(ctx context.Context, c confirm.Change, state string, form mcp.ElicitationParams) (*mcp.CallToolResult, error) {
	reply, ended, err := w.elicitUntilSettled(ctx, c, form)
	switch {
	case reply != nil:
	case ended:
		return w.waitOutcome(ctx, c)
	case ctx.Err() != nil:
		return w.waitOutcome(ctx, w.cancelPrompt(ctx, c)) // people may be asked elsewhere too
	default: // no window, or a client that finds its person's answer wrong by the form: nothing that could be a yes
		w.cfg.Log.WarnContext(ctx, "a client answered a question with an error", "change", c.ID, "error", err)
		reply = &mcp.ElicitationResult{}
		reply.Action = mcp.ElicitationResponseActionCancel
	}
	w.req.Params.RequestState = state
	w.req.Params.InputResponses = mcp.InputResponses{elicitationKey: mcp.NewElicitationInputResponse(*reply)}
	return w.handleAnswer(ctx)
}

// elicitUntilSettled waits for the answer, or until the change has ended without it. Without a reply, the error says why there is
// none.
func (w writeCall) elicitUntilSettled(ctx context.Context, c confirm.Change, form mcp.ElicitationParams) (reply *mcp.ElicitationResult, ended bool, err error) {
	defer w.calls.pause()()
	defer w.startHeartbeat(ctx, w.req)()
	asking, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if ended = w.settledBefore(asking, c.ID); ended {
			stop()
		}
	}()
	reply, err = w.mcp.RequestElicitation(asking, mcp.ElicitationRequest{
		Request: mcp.Request{Method: string(mcp.MethodElicitationCreate)}, Params: form,
	})
	stop()
	<-watched
	if err != nil {
		return nil, ended, err
	}
	return reply, false, nil
}

// settledBefore reports whether a change ends before ctx does. A ledger that cannot be read for a while is asked again.
func (w writeCall) settledBefore(ctx context.Context, id string) bool {
	for ctx.Err() == nil {
		c, err := w.waitSafely(ctx, id)
		if err == nil {
			return !c.State.Open()
		}
		w.cfg.Log.WarnContext(ctx, "how a change stands cannot be read; it is tried again", "change", id, "error", err)
		again := time.NewTimer(time.Second)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
		}
	}
	return false
}

// waitSafely is Gate.Wait on a goroutine of its own, where a panic must not cost more than one answer.
func (w writeCall) waitSafely(ctx context.Context, id string) (c confirm.Change, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return w.back.Gate.Wait(ctx, id)
}

// cancelPrompt takes back a question that nobody can answer any more, unless people are asked elsewhere too.
func (w writeCall) cancelPrompt(ctx context.Context, c confirm.Change) confirm.Change {
	if slices.ContainsFunc(c.Channels, func(ch confirm.Channel) bool { return ch != confirm.Client }) {
		return c
	}
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	now, err := w.back.Gate.Cancel(tidy, c.ID, w.caller.principal)
	switch {
	case err == nil, errors.Is(err, confirm.ErrRefused):
		return now // taken back, or ended before
	case !errors.Is(err, confirm.ErrMoved):
		w.cfg.Log.Warn("an abandoned change stays open until it expires", "change", c.ID, "error", err)
	}
	return c
}
