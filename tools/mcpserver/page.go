package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// pageKey is the key of the request to open a page, in an "input required" result.
const pageKey = "page"

// What a model tells its user about a change that waits. None has an address or a code: a model reads them.
const (
	nextPageOpened = "A page with this change has opened in the browser of the user: tell them to decide there."
	nextView       = "The client shows its user a card with this change and a button that opens its page: tell them to decide there."
	nextPageURL    = "The client has offered its user the page of this change: tell them to decide there."
	nextSignIn     = "Tell the user that an approver decides on scanwarden's pages: sign in at /changes of this server in a browser."
	nextReview     = "Tell the user to run `scanwarden review` in a terminal, which shows this change and takes their decision."
	nextNoPage     = "No browser has opened the page of this change."
)

// askPerson asks for a decision in the best way that this client and this machine have, and returns how the change stands.
// The order is: the client's form, the page through the client, the page in the browser that the server opens, a terminal.
// People on other channels have been asked already.
func (w writeCall) askPerson(ctx context.Context, c confirm.Change) (*mcp.CallToolResult, error) {
	if c.State != confirm.Pending {
		return w.waitOutcome(ctx, c, "") // an equal change is approved already
	}
	onPage := slices.Contains(c.Channels, confirm.WebPage)
	switch {
	case slices.Contains(c.Channels, confirm.Client):
		return w.prompt(ctx, c, "")
	case onPage && !w.caller.agent && supportsURLs(ctx) && w.pageURL(c.ID) != "":
		return w.offerPage(ctx, c)
	case onPage && w.cfg.PageURL != nil && supportsView(ctx): // the card has its button once the call has ended
		return structuredResult(withHint(tools.ResultOf(c), nextView)), nil
	case onPage && w.cfg.ShowPage != nil:
		return w.showPage(ctx, c)
	case onPage && !slices.Contains(c.Channels, confirm.Terminal):
		return w.referElsewhere(ctx, c, nextSignIn)
	}
	return w.referToTerminal(ctx, c, "")
}

// pageURL returns the address of the page of a change, or "" if URL mode is not used.
func (w writeCall) pageURL(change string) string {
	if w.cfg.PageURL == nil {
		return ""
	}
	return w.cfg.PageURL(change)
}

// showPage opens the page in the user's browser and waits for the outcome. Without a browser it refers to the other
// channels; if there are none, it withdraws the change.
func (w writeCall) showPage(ctx context.Context, c confirm.Change) (*mcp.CallToolResult, error) {
	err := w.cfg.ShowPage(ctx, c)
	if err == nil {
		return w.waitOutcome(ctx, c, nextPageOpened)
	}
	w.cfg.Log.WarnContext(ctx, "the page of a change was not opened", "change", c.ID, "error", err)
	if slices.Equal(c.Channels, []confirm.Channel{confirm.WebPage}) && ctx.Err() == nil {
		return w.withdrawUnshown(ctx, c)
	}
	return w.referToTerminal(ctx, c, nextNoPage)
}

// withdrawUnshown withdraws a change that no person can see, and says how to have it shown.
func (w writeCall) withdrawUnshown(ctx context.Context, c confirm.Change) (*mcp.CallToolResult, error) {
	cancelCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	now, err := w.backend.Gate.Cancel(cancelCtx, c.ID, w.caller.principal)
	if err != nil && !errors.Is(err, confirm.ErrRefused) {
		return w.unknownResult(ctx, c.ID, err), nil
	}
	r := tools.ResultOf(now)
	if now.State == confirm.Withdrawn {
		r.Reason = "no browser has opened the page on which a person confirms, and no other channel is configured."
		r.Next = "Have an operator add terminal to SCANWARDEN_CONFIRM_WITH, or set SCANWARDEN_BROWSER to a browser."
	}
	return structuredResult(r), nil
}

// referToTerminal refers the user to a terminal, if that is one of the channels.
func (w writeCall) referToTerminal(ctx context.Context, c confirm.Change, hint string) (*mcp.CallToolResult, error) {
	if !slices.Contains(c.Channels, confirm.Terminal) {
		return w.waitOutcome(ctx, c, hint)
	}
	return w.referElsewhere(ctx, c, joinSentences(hint, nextReview))
}

// referElsewhere returns at once what to tell the user: until the call has ended, they do not know where to decide. Where
// approvers are asked in Slack too, it waits for them.
func (w writeCall) referElsewhere(ctx context.Context, c confirm.Change, hint string) (*mcp.CallToolResult, error) {
	if slices.Contains(c.Channels, confirm.Slack) {
		return w.waitOutcome(ctx, c, hint)
	}
	return structuredResult(withHint(tools.ResultOf(c), hint)), nil
}

// withHint returns the result of a waiting change with what to tell the user before what to do next. Other results stay as
// they are.
func withHint(r tools.Result, hint string) tools.Result {
	if r.Status == "awaiting_confirmation" {
		r.Next = joinSentences(hint, r.Next)
	}
	return r
}

// joinSentences returns both sentences, or the one that is not empty.
func joinSentences(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + " " + second
}

// offerPage has the client offer the page's address to its user, and waits for the outcome. The client's answer never
// decides: it says that the user has agreed to open the page, or not even that.
func (w writeCall) offerPage(ctx context.Context, c confirm.Change) (*mcp.CallToolResult, error) {
	params := mcp.ElicitationParams{
		Mode: mcp.ElicitationModeURL, URL: w.pageURL(c.ID),
		ElicitationID: c.ID, // Copilot CLI refuses a request without it, and hands its text to the model
		Message:       fmt.Sprintf("Open the page of change %s to confirm or deny it: %s", c.ID, c.Summary),
	}
	if !server.IsModernRequest(ctx) {
		return w.offerPageSync(ctx, c, params)
	}
	binding, err := w.binding()
	if err != nil {
		return nil, err
	}
	state, err := sealState(w.key, statePayload{Change: c.ID, Page: true, Asked: w.cfg.Now().UnixMilli(), Began: w.clock.began.UnixMilli()}, binding)
	if err != nil {
		return nil, err
	}
	return server.NewInputRequestBuilder(state).Elicit(pageKey, params).ToolResult(), nil
}

// afterPage handles the second call of a 2026-07-28 client that was given the page's address.
func (w writeCall) afterPage(ctx context.Context, p statePayload) (*mcp.CallToolResult, error) {
	c, err := w.backend.Gate.Change(ctx, p.Change)
	if err != nil {
		return w.logRefusal(ctx, w.operation.Name, err), nil
	}
	if c.Requester != w.caller.principal {
		return nil, errInvalidState
	}
	reply := server.ElicitationResponse(w.req.Params.InputResponses, pageKey)
	if reply == nil && c.State == confirm.Pending && supportsURLs(ctx) && w.pageURL(c.ID) != "" {
		return w.offerPage(ctx, c)
	}
	return w.waitOutcome(ctx, c, pageHint(reply))
}

// offerPageSync has an initialize-era client offer the page, waits for the outcome, and tells the client when the change has
// ended, so that it can close what it shows.
func (w writeCall) offerPageSync(ctx context.Context, c confirm.Change, params mcp.ElicitationParams) (*mcp.CallToolResult, error) {
	reply, settled, err := w.elicitUntilSettled(ctx, c, params)
	if err != nil && !settled && ctx.Err() == nil {
		w.cfg.Log.WarnContext(ctx, "a client answered a request to open a page with an error", "change", c.ID)
	}
	result, err := w.waitOutcome(ctx, c, pageHint(reply))
	if now, readErr := w.backend.Gate.Change(ctx, c.ID); readErr == nil && !now.State.Open() {
		w.notifyPageDone(ctx, params.ElicitationID)
	}
	return result, err
}

// notifyPageDone tells an initialize-era client that the page is no longer needed, on the response to its own call.
func (w writeCall) notifyPageDone(ctx context.Context, elicitation string) {
	const method = string(mcp.MethodNotificationElicitationComplete)
	params := map[string]any{"elicitationId": elicitation}
	var err error
	if stream := eventStreamFrom(ctx); stream != nil {
		err = stream.notify(method, params)
	} else {
		err = w.mcp.SendNotificationToClient(ctx, method, params)
	}
	if err != nil {
		w.cfg.Log.DebugContext(ctx, "a client was not told that its page is no longer needed", "error", err)
	}
}

// pageHint returns what to tell the user after the client's answer to a request to open the page; nil means none came.
func pageHint(reply *mcp.ElicitationResult) string {
	if reply != nil && reply.Action == mcp.ElicitationResponseActionAccept {
		return nextPageURL
	}
	return "The client did not open the page of this change: tell the user to sign in to scanwarden's pages in a browser and to decide there."
}
