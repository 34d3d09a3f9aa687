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

// readRetryInterval is the pause before the ledger is read again after a failure. Tests shorten it.
var readRetryInterval = time.Second

// elicitSync sends the prompt to an initialize-era client and waits for the user's answer. The library would do the
// same, but it would continue to wait after the change has ended on another channel: decided, withdrawn or expired.
func (w writeCall) elicitSync(ctx context.Context, c confirm.Change, state string, form mcp.ElicitationParams) (*mcp.CallToolResult, error) {
	if !w.waits {
		release, err := w.occupyWait(w.caller)
		if err != nil {
			return w.refuse(ctx, err), nil
		}
		defer release()
		w.waits = true
	}
	closePrompt := w.prompts.open(c.ID)
	reply, settled, err := w.elicitUntilSettled(ctx, c, form)
	last := closePrompt()
	switch {
	case reply != nil:
	case settled:
		return w.waitOutcome(ctx, c, "")
	case ctx.Err() != nil && !last: // another call prompts for the same change
		return w.waitOutcome(ctx, c, "")
	case ctx.Err() != nil:
		return w.waitOutcome(ctx, w.cancelPrompt(ctx, c), "") // the change may be open on other channels
	default: // the client has no user interface, or rejects the answer by the form: neither is an approval or a denial
		w.cfg.Log.WarnContext(ctx, "a client answered a prompt with an error", "change", c.ID, "error", err)
		reply = &mcp.ElicitationResult{}
		reply.Action = mcp.ElicitationResponseAction(confirm.PromptFailed)
	}
	w.req.Params.RequestState = state
	w.req.Params.InputResponses = mcp.InputResponses{elicitationKey: mcp.NewElicitationInputResponse(*reply)}
	result, err := w.handleAnswer(ctx)
	if errors.Is(err, errInvalidState) { // the answer to another prompt for the same change came first
		return w.promptAgain(ctx, c.ID)
	}
	return result, err
}

// promptAgain prompts for a change in its present round, if it is still pending. Each round ends with an answer, so that
// there are at most as many prompts as answers that a change allows.
func (w writeCall) promptAgain(ctx context.Context, id string) (*mcp.CallToolResult, error) {
	c, err := w.backend.Gate.Change(ctx, id)
	if err != nil {
		return w.unknownResult(ctx, id, err), nil
	}
	if c.State != confirm.Pending {
		return w.waitOutcome(ctx, c, "")
	}
	return w.prompt(ctx, c, "Another prompt for this change was answered first.")
}

// elicitUntilSettled sends the prompt and waits for the answer, or until the change has ended without it (settled).
// If reply is nil, err is the reason.
func (w writeCall) elicitUntilSettled(ctx context.Context, c confirm.Change, form mcp.ElicitationParams) (reply *mcp.ElicitationResult, settled bool, err error) {
	defer w.calls.pause()()
	defer w.startHeartbeat(ctx, w.req, w.clock)()
	promptCtx, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if settled = w.settledBefore(promptCtx, c.ID); settled {
			stop()
		}
	}()
	reply, err = w.mcp.RequestElicitation(promptCtx, mcp.ElicitationRequest{
		Request: mcp.Request{Method: string(mcp.MethodElicitationCreate)}, Params: form,
	})
	stop()
	<-watched
	if err != nil {
		return nil, settled, err
	}
	return reply, false, nil
}

// settledBefore reports whether a change ends before ctx does. It tries again if the ledger cannot be read.
func (w writeCall) settledBefore(ctx context.Context, id string) bool {
	for ctx.Err() == nil {
		c, err := w.waitSafely(ctx, id)
		if err == nil {
			return !c.State.Open()
		}
		w.cfg.Log.WarnContext(ctx, "failed to read the state of a change; trying again", "change", id, "error", err)
		retry := time.NewTimer(readRetryInterval)
		select {
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
		}
	}
	return false
}

// waitSafely calls Gate.Wait and returns a panic as an error. It runs on its own goroutine, where a panic would end
// the process.
func (w writeCall) waitSafely(ctx context.Context, id string) (c confirm.Change, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return w.backend.Gate.Wait(ctx, id)
}

// cancelPrompt withdraws a change whose prompt can no longer be answered, unless it is open on other channels too.
// It returns the change as it is then.
func (w writeCall) cancelPrompt(ctx context.Context, c confirm.Change) confirm.Change {
	if slices.ContainsFunc(c.Channels, func(ch confirm.Channel) bool { return ch != confirm.Client }) {
		return c
	}
	cancelCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	now, err := w.backend.Gate.Cancel(cancelCtx, c.ID, w.caller.principal)
	switch {
	case err == nil, errors.Is(err, confirm.ErrRefused):
		return now // withdrawn, or ended before
	case !errors.Is(err, confirm.ErrMoved):
		w.cfg.Log.Warn("failed to withdraw an abandoned change; it stays open until it expires", "change", c.ID, "error", err)
	}
	return c
}
