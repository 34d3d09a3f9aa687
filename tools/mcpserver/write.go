package mcpserver

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver/internal/limits"
)

// elicitationKey is the key of our only prompt in an "input required" result.
const elicitationKey = "confirm"

// newWriteHandler returns a handler for an operation that changes Defender. The first call proposes and prompts;
// the second call brings the answer.
func (s *Server) newWriteHandler(op tools.Operation) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		caller, err := callerFrom(ctx)
		if err != nil {
			return nil, err
		}
		backend, err := s.cfg.Backend(ctx)
		if err != nil {
			return s.logRefusal(ctx, op.Name, err), nil
		}
		keys, err := s.derivedKeys()
		if err != nil {
			return s.logRefusal(ctx, op.Name, err), nil
		}
		w := writeCall{Server: s, backend: backend, operation: op, req: req, caller: caller, key: keys.state, clock: newWaitClock()}
		if req.Params.RequestState != "" || len(req.Params.InputResponses) > 0 {
			return w.handleAnswer(ctx)
		}
		return w.proposeAndPrompt(ctx)
	}
}

// writeCall is one call of a writing tool, either the first or the second.
type writeCall struct {
	*Server
	backend   *Backend
	operation tools.Operation
	req       mcp.CallToolRequest
	caller    callerIdentity
	key       []byte
	waits     bool       // occupies a slot for a waiting call
	clock     *waitClock // since the first call
}

// proposeAndPrompt proposes the change and asks a person. For an equal
// change that is open already, it prompts again with the same code and in the same round, so that the first answer to
// either prompt counts. An initialize-era call waits for the answer, so it needs a slot before anything is recorded.
func (w writeCall) proposeAndPrompt(ctx context.Context) (*mcp.CallToolResult, error) {
	if !server.IsModernRequest(ctx) {
		release, err := w.occupyWait(w.caller)
		if err != nil {
			return w.refuse(ctx, err), nil
		}
		defer release()
		w.waits = true
	}
	c, err := w.proposeWithProgress(ctx)
	if err != nil {
		return w.refuse(ctx, err), nil
	}
	return w.askPerson(ctx, c)
}

// refuse returns the result of a refusal, and logs it unless it is the refusal of a limit, which are logged less often.
func (w writeCall) refuse(ctx context.Context, err error) *mcp.CallToolResult {
	if refused := w.asRefusal(ctx, w.caller, err); refused != err {
		return refusedResult(w.operation.Name, refused)
	}
	if errors.Is(err, confirm.ErrTooManyOpen) {
		w.reportLimit(limits.OpenChanges)
	}
	return w.logRefusal(ctx, w.operation.Name, err)
}

// proposeWithProgress proposes the change and returns it as stored. It sends progress meanwhile.
func (w writeCall) proposeWithProgress(ctx context.Context) (confirm.Change, error) {
	release, err := w.occupyCall(w.caller)
	if err != nil {
		return confirm.Change{}, err
	}
	defer release()
	if err := w.checkProposals(w.caller); err != nil {
		return confirm.Change{}, err
	}
	ctx, stop := w.forwardProgress(ctx, w.req, w.clock)
	defer stop()
	c, err := w.backend.Service.Propose(ctx, w.requester(ctx, w.caller), w.operation.Name, argumentsOf(w.req))
	if err == nil {
		w.chargeProposal(w.caller, c)
	}
	return c, err
}

// prompt shows the change to the client's user: the whole plan, the notice ("" for none), and the code in the last line.
func (w writeCall) prompt(ctx context.Context, c confirm.Change, notice string) (*mcp.CallToolResult, error) {
	binding, err := w.binding()
	if err != nil {
		return nil, err
	}
	state, err := sealState(w.key, statePayload{Change: c.ID, Round: c.Round, Asked: w.cfg.Now().UnixMilli(), Began: w.clock.began.UnixMilli()}, binding)
	if err != nil {
		return nil, err
	}
	form := mcp.ElicitationParams{
		Mode:            mcp.ElicitationModeForm,
		Message:         tools.Prompt(c, notice),
		RequestedSchema: codeForm,
	}
	if !server.IsModernRequest(ctx) {
		return w.elicitSync(ctx, c, state, form)
	}
	return server.NewInputRequestBuilder(state).Elicit(elicitationKey, form).ToolResult(), nil
}

// codeForm asks for one string without a default: a client that accepts without asking its user sends no code.
var codeForm = json.RawMessage(`{"type":"object","properties":{"code":{"type":"string","title":"Code","description":"The code in the last line of the message","minLength":1,"maxLength":16}},"required":["code"]}`)

// handleAnswer handles the second call, which carries the answer to the prompt.
func (w writeCall) handleAnswer(ctx context.Context) (*mcp.CallToolResult, error) {
	binding, err := w.binding()
	if err != nil {
		return nil, err
	}
	payload, err := openState(w.key, w.req.Params.RequestState, binding)
	if err != nil {
		return nil, err
	}
	w.clock.continueFrom(payload.Began)
	if payload.Page {
		return w.afterPage(ctx, payload)
	}
	reply := server.ElicitationResponse(w.req.Params.InputResponses, elicitationKey)
	if reply == nil {
		return w.repeatPrompt(ctx, payload)
	}
	// The answer counts even if the client disconnects before the answer is stored.
	answerCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	c, err := w.backend.Gate.Answer(answerCtx, payload.Change, confirm.Answer{
		Principal: w.caller.principal, Groups: w.caller.groups, Agent: w.caller.agent,
		Round: payload.Round, Action: confirm.Action(reply.Action), Code: typedCode(reply.Content),
		Took: w.cfg.Now().Sub(time.UnixMilli(payload.Asked)),
	})
	switch {
	case errors.Is(err, confirm.ErrMoved) && c.State == confirm.Pending:
		return nil, errInvalidState // the prompt was already answered
	case errors.Is(err, confirm.ErrRefused) || errors.Is(err, confirm.ErrNotFound):
		return w.logRefusal(ctx, w.operation.Name, err), nil
	case err != nil && !errors.Is(err, confirm.ErrMoved):
		return w.unknownResult(ctx, payload.Change, err), nil
	case c.State == confirm.Pending && c.Round > payload.Round && reply.Action == mcp.ElicitationResponseActionAccept:
		return w.prompt(ctx, c, wrongCodeNotice(c))
	}
	return w.waitOutcome(ctx, c, "")
}

// wrongCodeNotice returns what a prompt reports after a wrong code.
func wrongCodeNotice(c confirm.Change) string {
	if left := c.AnswersLeft(); left > 1 {
		return fmt.Sprintf("That was not the code. %d answers are left; the last wrong one is a denial.", left)
	}
	return "That was not the code. 1 answer is left; a wrong one is a denial."
}

// answerTimeout bounds the time to store an answer.
const answerTimeout = 5 * time.Second

// repeatPrompt shows a prompt again after a call without an answer. That does not count as an answer.
func (w writeCall) repeatPrompt(ctx context.Context, p statePayload) (*mcp.CallToolResult, error) {
	c, err := w.backend.Gate.Change(ctx, p.Change)
	if err != nil {
		return w.logRefusal(ctx, w.operation.Name, err), nil
	}
	switch {
	case c.Requester != w.caller.principal || c.Round != p.Round:
		return nil, errInvalidState
	case c.State != confirm.Pending:
		return w.waitOutcome(ctx, c, "")
	}
	return w.prompt(ctx, c, "")
}

// outcomeWait bounds the wait of a call for approvers on other channels. Many clients time out after a minute;
// afterwards get_change returns the outcome.
const outcomeWait = 45 * time.Second

// waitOutcome waits up to outcomeWait until the change has ended, and returns its state as the result. If the change still
// waits, hint says what to tell the user; "" is nothing. If too many calls wait already, it returns the state at once: the
// change is recorded, so the call must not be refused.
func (w writeCall) waitOutcome(ctx context.Context, c confirm.Change, hint string) (*mcp.CallToolResult, error) {
	if !c.State.Open() {
		return structuredResult(tools.ResultOf(c)), nil
	}
	if !w.waits {
		release, err := w.occupyWait(w.caller)
		if err != nil {
			return structuredResult(withHint(tools.ResultOf(c), hint)), nil
		}
		defer release()
	}
	note := "confirmed; sending to Defender"
	if c.State == confirm.Pending {
		note = "waiting for a person to confirm"
	}
	progressCtx, stop := w.forwardProgress(ctx, w.req, w.clock)
	defer stop()
	tools.Progress(progressCtx, note)
	waitCtx, cancel := context.WithTimeout(progressCtx, outcomeWait)
	defer cancel()
	now, err := w.backend.Gate.Wait(waitCtx, c.ID)
	if err != nil {
		return w.unknownResult(ctx, c.ID, err), nil
	}
	return structuredResult(withHint(tools.ResultOf(now), hint)), nil
}

// unknownResult returns the result for a ledger failure after the user's answer: the change may have been approved.
func (w writeCall) unknownResult(ctx context.Context, change string, err error) *mcp.CallToolResult {
	w.cfg.Log.ErrorContext(ctx, "failed to read the state of a change", "change", change, "error", err)
	return structuredResult(tools.UnknownResult(w.operation.Name, change))
}

// binding returns what the requestState of this call is bound to. Arguments are compared as JSON values, because a
// client may repeat them in another order or spacing.
func (w writeCall) binding() (stateBinding, error) {
	var args any
	if err := json.Unmarshal(argumentsOf(w.req), &args); err != nil {
		return stateBinding{}, fmt.Errorf("arguments are not JSON: %w", err)
	}
	canonical, err := json.Marshal(args)
	if err != nil {
		return stateBinding{}, fmt.Errorf("arguments: %w", err)
	}
	return stateBinding{principal: w.caller.sealedName(), tool: w.operation.Name, arguments: sha256.Sum256(canonical)}, nil
}

// typedCode returns the code in a form's content, or "". The library does not check the content against the form.
func typedCode(content any) string {
	fields, _ := content.(map[string]any)
	code, _ := fields["code"].(string)
	if len(code) > 64 {
		return ""
	}
	return code
}
