package slackbot

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
)

// The action_ids of our buttons and the callback_ids of our modals. They are part of the interface contract. The
// callback_id of a form is the name of its operation.
const (
	actionApprove  = "approve_change"
	actionDeny     = "deny_change"
	actionReview   = "review_change"
	actionNextPage = "review_next"
	actionWithdraw = "withdraw_change"
	reasonBlock    = "reason"
)

// handleCommand acknowledges a slash command and runs it. delivery identifies this delivery if the command has no
// trigger_id.
func (b *Bot) handleCommand(cmd slack.SlashCommand, delivery string) (reply any, err error) {
	req := request{
		caller: caller{team: cmd.TeamID, user: cmd.UserID}, channel: cmd.ChannelID,
		triggerID: cmd.TriggerID, responseURL: cmd.ResponseURL, users: b.users,
	}
	if cmd.Command == "" || !blocks.IsID(cmd.UserID) || !blocks.IsID(cmd.TeamID) {
		return nil, errMalformed
	}
	return b.dedup.once("command "+cmp.Or(cmd.TriggerID, delivery), func() any {
		return b.ackThen(req, func(ctx context.Context) {
			if req, ok := b.requireMember(ctx, req); ok {
				b.runCommand(ctx, req, cmd.Command, cmd.Text)
			}
		})
	}), nil
}

// ackThen starts work and returns an empty acknowledgement. If it cannot start it, the acknowledgement asks the user
// to try again.
func (b *Bot) ackThen(req request, work func(context.Context)) any {
	if b.runAsync(req, work) {
		return nil
	}
	return map[string]string{"response_type": slack.ResponseTypeEphemeral, "text": msgBusy}
}

// handleInteraction handles a click, a submitted modal, or typing in a menu.
func (b *Bot) handleInteraction(in slack.InteractionCallback, delivery string) (reply any, err error) {
	req := request{
		caller: caller{team: cmp.Or(in.User.TeamID, in.Team.ID), user: in.User.ID}, channel: in.Channel.ID,
		triggerID: in.TriggerID, responseURL: in.ResponseURL, inHome: in.View.Type == slack.VTHomeTab, users: b.users,
	}
	if in.View.Type == slack.VTModal {
		req.viewID = in.View.ID
	}
	if !blocks.IsID(req.user) || !blocks.IsID(req.team) {
		return nil, errMalformed
	}
	key := string(in.Type) + " " + cmp.Or(in.TriggerID, delivery)
	switch in.Type {
	case slack.InteractionTypeBlockActions:
		return b.dedup.once(key, func() any { return b.handleBlockAction(req, in) }), nil
	case slack.InteractionTypeViewSubmission:
		return b.dedup.once(key, func() any { return b.handleSubmission(req, in.View) }), nil
	case slack.InteractionTypeBlockSuggestion:
		return b.suggestOptions(req, in), nil
	}
	return nil, nil // other interactions are acknowledged and ignored
}

// handleBlockAction runs the first action of a click. Slack sends one at a time.
func (b *Bot) handleBlockAction(req request, in slack.InteractionCallback) any {
	if len(in.ActionCallback.BlockActions) == 0 {
		return nil
	}
	act := in.ActionCallback.BlockActions[0]
	var work func(context.Context, request)
	switch act.ActionID {
	case actionApprove:
		req.users = b.users.current() // the right to approve may have been taken away a moment ago
		work = func(ctx context.Context, req request) { b.handleApprove(ctx, req, act.Value) }
	case actionDeny:
		work = func(ctx context.Context, req request) { b.openDenyModal(ctx, req, act.Value) }
	case actionReview:
		work = func(ctx context.Context, req request) { b.openReview(ctx, req, act.Value) }
	case actionNextPage:
		work = func(ctx context.Context, req request) { b.nextPage(ctx, req, in.View.PrivateMetadata) }
	case actionWithdraw:
		work = func(ctx context.Context, req request) { b.handleWithdraw(ctx, req, act.Value) }
	case form.ValueAction:
		if in.View.CallbackID == "" || act.SelectedOption.Value == "" {
			return nil
		}
		work = func(ctx context.Context, req request) { b.handleScanSelected(ctx, req, in.View, act) }
	default:
		return nil
	}
	if b.isReadOnly() {
		work = func(ctx context.Context, req request) { b.replyText(ctx, req, msgReadOnly) }
	}
	return b.ackThen(req, func(ctx context.Context) {
		if req, ok := b.requireMember(ctx, req); ok {
			work(ctx, req)
		}
	})
}

// handleEvent handles the only event that the app subscribes to: a user opened its home. It rejects a JSON-RPC
// message: Slack signs those with the same secret when its assistant calls our MCP server.
func (b *Bot) handleEvent(body json.RawMessage, delivery string) (reply any, err error) {
	var outer struct {
		JSONRPC   json.RawMessage `json:"jsonrpc"`
		Type      string          `json:"type"`
		Challenge string          `json:"challenge"`
		TeamID    string          `json:"team_id"`
		EventID   string          `json:"event_id"`
		Event     json.RawMessage `json:"event"`
	}
	if err := json.Unmarshal(body, &outer); err != nil || outer.JSONRPC != nil {
		return nil, errMalformed
	}
	switch outer.Type {
	case slackevents.URLVerification:
		return map[string]string{"challenge": outer.Challenge}, nil
	case slackevents.CallbackEvent:
	default:
		return nil, errMalformed
	}
	var inner slackevents.AppHomeOpenedEvent
	if err := json.Unmarshal(outer.Event, &inner); err != nil {
		return nil, errMalformed
	}
	if inner.Type != string(slackevents.AppHomeOpened) || inner.Tab != "home" {
		return nil, nil
	}
	if !blocks.IsID(inner.User) || !blocks.IsID(outer.TeamID) {
		return nil, errMalformed
	}
	req := request{caller: caller{team: outer.TeamID, user: inner.User}, users: b.users}
	b.dedup.once("event "+cmp.Or(outer.EventID, delivery), func() any {
		b.runAsync(req, func(ctx context.Context) { b.publishHome(ctx, req) })
		return nil
	})
	return nil, nil
}
