package mcpserver

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// askHanging puts a question to an initialize-era client, whose call hangs until its person has answered. The library
// would do so too, and go on waiting after the change has ended elsewhere: decided, taken back, or expired.
func (w writeCall) askHanging(ctx context.Context, c confirm.Change, state string, form mcp.ElicitationParams) (*mcp.CallToolResult, error) {
	reply, ended, err := w.elicit(ctx, c, form)
	switch {
	case ctx.Err() != nil:
		return structured(tools.ResultOf(w.abandon(ctx, c))), nil
	case ended:
		return w.outcome(ctx, c)
	case err != nil:
		w.abandon(ctx, c)
		return nil, err
	}
	w.req.Params.RequestState = state
	w.req.Params.InputResponses = mcp.InputResponses{answerKey: mcp.NewElicitationInputResponse(*reply)}
	return w.answer(ctx)
}

// elicit waits for the answer, or until the change has ended without it.
func (w writeCall) elicit(ctx context.Context, c confirm.Change, form mcp.ElicitationParams) (reply *mcp.ElicitationResult, ended bool, err error) {
	defer w.calls.aside()()
	defer w.keepTelling(ctx, w.req)()
	asking, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		now, err := w.back.Gate.Wait(asking, c.ID)
		if ended = err == nil && !now.State.Open(); ended {
			stop()
		}
	}()
	reply, err = w.mcp.RequestElicitation(asking, mcp.ElicitationRequest{
		Request: mcp.Request{Method: string(mcp.MethodElicitationCreate)}, Params: form,
	})
	stop()
	<-watched
	if err == nil && reply == nil {
		err = errors.New("the client's session brought no answer")
	}
	return reply, ended && err != nil, err
}

// abandon takes back a question that nobody can answer any more, unless people are asked elsewhere too.
func (w writeCall) abandon(ctx context.Context, c confirm.Change) confirm.Change {
	if slices.ContainsFunc(c.Channels, func(ch confirm.Channel) bool { return ch != confirm.Client }) {
		return c
	}
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	now, err := w.back.Gate.Abandon(tidy, c.ID, w.by.principal)
	switch {
	case err == nil, errors.Is(err, confirm.ErrRefused), errors.Is(err, confirm.ErrMoved):
		return now // taken back, or ended before
	}
	w.cfg.Log.Warn("an abandoned change stays open until it expires", "change", c.ID, "error", err)
	return c
}
