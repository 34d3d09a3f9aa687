package mcpserver

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// elicitationKey names our one question in a multi-round-trip result.
const elicitationKey = "confirm"

// newWriteHandler serves an operation that changes Defender: the first call asks, the second one brings the answer.
func (s *Server) newWriteHandler(op tools.Operation) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		by, err := callerFrom(ctx)
		if err != nil {
			return nil, err
		}
		back, err := s.cfg.Backend(ctx)
		if err != nil {
			return s.logRefusal(ctx, op.Name, err), nil
		}
		keys, err := s.derivedKeys()
		if err != nil {
			return s.logRefusal(ctx, op.Name, err), nil
		}
		w := writeCall{Server: s, back: back, operation: op, req: req, caller: by, key: keys.state}
		if req.Params.RequestState != "" || len(req.Params.InputResponses) > 0 {
			return w.handleAnswer(ctx)
		}
		return w.proposeAndPrompt(ctx)
	}
}

// writeCall is one call of a writing tool, whichever leg of its round trip it is.
type writeCall struct {
	*Server
	back      *Backend
	operation tools.Operation
	req       mcp.CallToolRequest
	caller    callerIdentity
	key       []byte
}

// proposeAndPrompt plans the change and puts it to people.
func (w writeCall) proposeAndPrompt(ctx context.Context) (*mcp.CallToolResult, error) {
	c, err := w.proposeWithProgress(ctx)
	if err != nil {
		return w.logRefusal(ctx, w.operation.Name, err), nil
	}
	if !slices.Contains(c.Channels, confirm.Client) {
		return w.waitOutcome(ctx, c) // it is put to people elsewhere, at once
	}
	return w.prompt(ctx, c, "")
}

// proposeWithProgress proposes the change, and shows its progress until it is kept.
func (w writeCall) proposeWithProgress(ctx context.Context) (confirm.Change, error) {
	work, stop := w.forwardProgress(ctx, w.req)
	defer stop()
	return w.back.Service.Propose(work, w.requester(ctx, w.caller), w.operation.Name, argumentsOf(w.req))
}

// prompt puts the change to the client's person: the whole plan, and the code as the last line.
func (w writeCall) prompt(ctx context.Context, c confirm.Change, before string) (*mcp.CallToolResult, error) {
	about, err := w.binding()
	if err != nil {
		return nil, err
	}
	state, err := sealState(w.key, statePayload{Change: c.ID, Round: c.Round}, about)
	if err != nil {
		return nil, err
	}
	form := mcp.ElicitationParams{
		Mode:            mcp.ElicitationModeForm,
		Message:         before + tools.Render(c) + "\n\nTo apply this change, type: " + c.Code,
		RequestedSchema: codeForm,
	}
	if !server.IsModernRequest(ctx) {
		return w.elicitSync(ctx, c, state, form)
	}
	return server.NewInputRequestBuilder(state).Elicit(elicitationKey, form).ToolResult(), nil
}

// codeForm asks for one string that nothing fills in by itself: a client that accepts without its person
// sends no code.
var codeForm = json.RawMessage(`{"type":"object","properties":{"code":{"type":"string","title":"Code","description":"The code in the last line of the message","minLength":1,"maxLength":16}},"required":["code"]}`)

// handleAnswer takes the second leg.
func (w writeCall) handleAnswer(ctx context.Context) (*mcp.CallToolResult, error) {
	about, err := w.binding()
	if err != nil {
		return nil, err
	}
	q, err := openState(w.key, w.req.Params.RequestState, about)
	if err != nil {
		return nil, err
	}
	reply := server.ElicitationResponse(w.req.Params.InputResponses, elicitationKey)
	if reply == nil {
		return w.repeatPrompt(ctx, q)
	}
	// What a person has said counts, even if their client is gone by the time it is written down.
	deciding, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	c, err := w.back.Gate.Answer(deciding, q.Change, confirm.Answer{
		Principal: w.caller.principal, Groups: w.caller.groups, Agent: w.caller.agent,
		Round: q.Round, Action: confirm.Action(reply.Action), Code: typedCode(reply.Content),
	})
	switch {
	case errors.Is(err, confirm.ErrMoved) && c.State == confirm.Pending:
		return nil, errInvalidState // an answer to a question that was already answered
	case errors.Is(err, confirm.ErrRefused) || errors.Is(err, confirm.ErrNotFound):
		return w.logRefusal(ctx, w.operation.Name, err), nil
	case err != nil && !errors.Is(err, confirm.ErrMoved):
		return w.unknownResult(ctx, q.Change, err), nil
	case c.State == confirm.Pending && c.Round > q.Round && reply.Action == mcp.ElicitationResponseActionAccept:
		return w.prompt(ctx, c, "That was not the code.\n\n")
	}
	return w.waitOutcome(ctx, c)
}

// answerTimeout bounds how long it may take to write down what was answered.
const answerTimeout = 5 * time.Second

// repeatPrompt repeats a question whose answer was left out; that spends nothing.
func (w writeCall) repeatPrompt(ctx context.Context, q statePayload) (*mcp.CallToolResult, error) {
	c, err := w.back.Gate.Change(ctx, q.Change)
	if err != nil {
		return w.logRefusal(ctx, w.operation.Name, err), nil
	}
	switch {
	case c.Requester != w.caller.principal || c.Round != q.Round:
		return nil, errInvalidState
	case c.State != confirm.Pending:
		return w.waitOutcome(ctx, c)
	}
	return w.prompt(ctx, c, "")
}

// outcomeWait bounds how long a call waits for others: it ends before the minute after which many clients give
// up, and get_change tells the rest.
const outcomeWait = 45 * time.Second

// waitOutcome waits, for a while, until a change that is out of this client's hands has ended, and tells how it stands.
func (w writeCall) waitOutcome(ctx context.Context, c confirm.Change) (*mcp.CallToolResult, error) {
	note := "confirmed; sending to Defender"
	if c.State == confirm.Pending {
		note = "waiting for a person to confirm"
	}
	if c.State.Open() {
		work, stop := w.forwardProgress(ctx, w.req)
		defer stop()
		tools.Progress(work, note)
		work, cancel := context.WithTimeout(work, outcomeWait)
		defer cancel()
		now, err := w.back.Gate.Wait(work, c.ID)
		if err != nil {
			return w.unknownResult(ctx, c.ID, err), nil
		}
		c = now
	}
	return structuredResult(tools.ResultOf(c)), nil
}

// unknownResult answers when the ledger fails after the person has: the change may well run.
func (w writeCall) unknownResult(ctx context.Context, change string, err error) *mcp.CallToolResult {
	w.cfg.Log.ErrorContext(ctx, "how a change stands cannot be read", "change", change, "error", err)
	return structuredResult(tools.UnknownResult(w.operation.Name, change))
}

// binding is what this call's requestState is bound to. The arguments are compared as JSON values: a client may
// send the same ones in another order or spacing.
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

// typedCode takes the code out of a form's content, which the library does not check against the form.
func typedCode(content any) string {
	fields, _ := content.(map[string]any)
	code, _ := fields["code"].(string)
	if len(code) > 64 {
		return ""
	}
	return code
}
