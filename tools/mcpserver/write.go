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

// answerKey names our one question in a multi-round-trip result.
const answerKey = "confirm"

// write serves an operation that changes Defender: the first call asks, the second one brings the answer.
func (s *Server) write(op tools.Operation) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		by, err := callerFrom(ctx)
		if err != nil {
			return nil, err
		}
		back, err := s.cfg.Backend(ctx)
		if err != nil {
			return s.refuse(ctx, op.Name, err), nil
		}
		keys, err := s.keys()
		if err != nil {
			return s.refuse(ctx, op.Name, err), nil
		}
		w := writeCall{Server: s, back: back, op: op, req: req, by: by, key: keys.state}
		if req.Params.RequestState != "" || len(req.Params.InputResponses) > 0 {
			return w.answer(ctx)
		}
		return w.propose(ctx)
	}
}

// writeCall is one call of a writing tool, whichever leg of its round trip it is.
type writeCall struct {
	*Server
	back *Backend
	op   tools.Operation
	req  mcp.CallToolRequest
	by   caller
	key  []byte
}

// propose plans the change and puts it to people.
func (w writeCall) propose(ctx context.Context) (*mcp.CallToolResult, error) {
	c, err := w.plan(ctx)
	if err != nil {
		return w.refuse(ctx, w.op.Name, err), nil
	}
	if !slices.Contains(c.Channels, confirm.Client) {
		return w.outcome(ctx, c) // it is put to people elsewhere, at once
	}
	return w.ask(ctx, c, "")
}

// plan proposes the change, and shows its progress until it is kept.
func (w writeCall) plan(ctx context.Context) (confirm.Change, error) {
	work, stop := w.showProgress(ctx, w.req)
	defer stop()
	return w.back.Service.Propose(work, w.asker(ctx, w.by), w.op.Name, arguments(w.req))
}

// ask puts the change to the client's person: the whole plan, and the code as the last line.
func (w writeCall) ask(ctx context.Context, c confirm.Change, before string) (*mcp.CallToolResult, error) {
	about, err := w.about()
	if err != nil {
		return nil, err
	}
	state, err := seal(w.key, question{Change: c.ID, Round: c.Round}, about)
	if err != nil {
		return nil, err
	}
	form := mcp.ElicitationParams{
		Mode:            mcp.ElicitationModeForm,
		Message:         before + tools.Render(c) + "\n\nTo apply this change, type: " + c.Code,
		RequestedSchema: codeForm,
	}
	if !server.IsModernRequest(ctx) {
		return w.askHanging(ctx, c, state, form)
	}
	return server.NewInputRequestBuilder(state).Elicit(answerKey, form).ToolResult(), nil
}

// codeForm asks for one string that nothing fills in by itself: a client that accepts without its person
// sends no code.
var codeForm = json.RawMessage(`{"type":"object","properties":{"code":{"type":"string","title":"Code","description":"The code in the last line of the message","minLength":1,"maxLength":16}},"required":["code"]}`)

// answer takes the second leg.
func (w writeCall) answer(ctx context.Context) (*mcp.CallToolResult, error) {
	about, err := w.about()
	if err != nil {
		return nil, err
	}
	q, err := open(w.key, w.req.Params.RequestState, about)
	if err != nil {
		return nil, err
	}
	reply := server.ElicitationResponse(w.req.Params.InputResponses, answerKey)
	if reply == nil {
		return w.askAgain(ctx, q)
	}
	// What a person has said counts, even if their client is gone by the time it is written down.
	deciding, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	c, err := w.back.Gate.Answer(deciding, q.Change, confirm.Answer{
		Principal: w.by.principal, Groups: w.by.groups, Agent: w.by.agent,
		Round: q.Round, Action: confirm.Action(reply.Action), Code: typedCode(reply.Content),
	})
	switch {
	case errors.Is(err, confirm.ErrMoved) && c.State == confirm.Pending:
		return nil, errForeignState // an answer to a question that was already answered
	case errors.Is(err, confirm.ErrRefused) || errors.Is(err, confirm.ErrNotFound):
		return w.refuse(ctx, w.op.Name, err), nil
	case err != nil && !errors.Is(err, confirm.ErrMoved):
		return w.inDoubt(ctx, q.Change, err), nil
	case c.State == confirm.Pending && c.Round > q.Round && reply.Action == mcp.ElicitationResponseActionAccept:
		return w.ask(ctx, c, "That was not the code.\n\n")
	}
	return w.outcome(ctx, c)
}

// lastWord bounds how long it may take to write down what was answered.
const lastWord = 5 * time.Second

// askAgain repeats a question whose answer was left out; that spends nothing.
func (w writeCall) askAgain(ctx context.Context, q question) (*mcp.CallToolResult, error) {
	c, err := w.back.Gate.Change(ctx, q.Change)
	if err != nil {
		return w.refuse(ctx, w.op.Name, err), nil
	}
	switch {
	case c.Requester != w.by.principal || c.Round != q.Round:
		return nil, errForeignState
	case c.State != confirm.Pending:
		return w.outcome(ctx, c)
	}
	return w.ask(ctx, c, "")
}

// patience bounds how long a call waits for others: it ends before the minute after which many clients give
// up, and get_change tells the rest.
const patience = 45 * time.Second

// outcome waits, for a while, until a change that is out of this client's hands has ended, and tells how it stands.
func (w writeCall) outcome(ctx context.Context, c confirm.Change) (*mcp.CallToolResult, error) {
	note := "confirmed; sending to Defender"
	if c.State == confirm.Pending {
		note = "waiting for a person to confirm"
	}
	if c.State.Open() {
		work, stop := w.showProgress(ctx, w.req)
		defer stop()
		tools.Progress(work, note)
		work, cancel := context.WithTimeout(work, patience)
		defer cancel()
		now, err := w.back.Gate.Wait(work, c.ID)
		if err != nil {
			return w.inDoubt(ctx, c.ID, err), nil
		}
		c = now
	}
	return structured(tools.ResultOf(c)), nil
}

// inDoubt answers when the ledger fails after the person has: the change may well run.
func (w writeCall) inDoubt(ctx context.Context, change string, err error) *mcp.CallToolResult {
	w.cfg.Log.ErrorContext(ctx, "how a change stands cannot be read", "change", change, "error", err)
	return structured(tools.UnknownResult(w.op.Name, change))
}

// about is what this call's requestState is bound to. The arguments are compared as JSON values: a client may
// send the same ones in another order or spacing.
func (w writeCall) about() (asked, error) {
	var args any
	if err := json.Unmarshal(arguments(w.req), &args); err != nil {
		return asked{}, fmt.Errorf("arguments are not JSON: %w", err)
	}
	canonical, err := json.Marshal(args)
	if err != nil {
		return asked{}, fmt.Errorf("arguments: %w", err)
	}
	return asked{principal: w.by.identity(), tool: w.op.Name, arguments: sha256.Sum256(canonical)}, nil
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
