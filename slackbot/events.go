package slackbot

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
)

// The ids of our own buttons and modals, as the contract names them. A form's callback_id is its operation.
const (
	approveChange  = "approve_change"
	denyChange     = "deny_change"
	reviewChange   = "review_change"
	reviewNext     = "review_next"
	withdrawChange = "withdraw_change"
	valueAction    = "value" // the action_id of every input; its block_id is the field's name
	reasonBlock    = "reason"
)

// command takes a slash command. delivery names this very delivery, where Slack gives nothing better.
func (b *Bot) command(cmd slack.SlashCommand, delivery string) (reply any, err error) {
	t := talk{
		caller: caller{team: cmd.TeamID, user: cmd.UserID}, channel: cmd.ChannelID,
		trigger: cmd.TriggerID, response: cmd.ResponseURL,
	}
	if cmd.Command == "" || !isID(cmd.UserID) || !isID(cmd.TeamID) {
		return nil, errMalformed
	}
	return b.seen.once("command "+cmp.Or(cmd.TriggerID, delivery), func() any {
		return b.soon(t, func(ctx context.Context) {
			if t, ok := b.admit(ctx, t); ok {
				b.obey(ctx, t, cmd.Command, cmd.Text)
			}
		})
	}), nil
}

// soon acknowledges without words and works after; when it cannot, the acknowledgement says so.
func (b *Bot) soon(t talk, work func(context.Context)) any {
	if b.after(t, work) {
		return nil
	}
	return map[string]string{"response_type": slack.ResponseTypeEphemeral, "text": sayBusy}
}

// interaction takes a click, a submitted modal, or the typing in a menu.
func (b *Bot) interaction(in slack.InteractionCallback, delivery string) (reply any, err error) {
	t := talk{
		caller: caller{team: cmp.Or(in.User.TeamID, in.Team.ID), user: in.User.ID}, channel: in.Channel.ID,
		trigger: in.TriggerID, response: in.ResponseURL, home: in.View.Type == slack.VTHomeTab,
	}
	if in.View.Type == slack.VTModal {
		t.view = in.View.ID
	}
	if !isID(t.user) || !isID(t.team) {
		return nil, errMalformed
	}
	key := string(in.Type) + " " + cmp.Or(in.TriggerID, delivery)
	switch in.Type {
	case slack.InteractionTypeBlockActions:
		return b.seen.once(key, func() any { return b.clicked(t, in) }), nil
	case slack.InteractionTypeViewSubmission:
		return b.seen.once(key, func() any { return b.submitted(t, in.View) }), nil
	case slack.InteractionTypeBlockSuggestion:
		return b.suggest(t, in), nil
	}
	return nil, nil // of no interest, and acknowledged all the same
}

// clicked takes the first of the actions; Slack sends one at a time.
func (b *Bot) clicked(t talk, in slack.InteractionCallback) any {
	if len(in.ActionCallback.BlockActions) == 0 {
		return nil
	}
	act := in.ActionCallback.BlockActions[0]
	var work func(context.Context, talk)
	switch act.ActionID {
	case approveChange:
		work = func(ctx context.Context, t talk) { b.approve(ctx, t, act.Value) }
	case denyChange:
		work = func(ctx context.Context, t talk) { b.askReason(ctx, t, act.Value) }
	case reviewChange:
		work = func(ctx context.Context, t talk) { b.review(ctx, t, act.Value) }
	case reviewNext:
		work = func(ctx context.Context, t talk) { b.turnPage(ctx, t, in.View.PrivateMetadata) }
	case withdrawChange:
		work = func(ctx context.Context, t talk) { b.withdraw(ctx, t, act.Value) }
	case valueAction:
		if in.View.CallbackID == "" || act.SelectedOption.Value == "" {
			return nil
		}
		work = func(ctx context.Context, t talk) { b.chosen(ctx, t, in.View, act.BlockID, act.SelectedOption.Value) }
	default:
		return nil
	}
	if b.readOnly() {
		work = func(ctx context.Context, t talk) { b.tell(ctx, t, sayReadOnly) }
	}
	return b.soon(t, func(ctx context.Context) {
		if t, ok := b.admit(ctx, t); ok {
			work(ctx, t)
		}
	})
}

// event takes what the Events API tells: of all things, only that somebody opened the app's home. A JSON-RPC message
// is none, although Slack signs those too, for its assistant's calls.
func (b *Bot) event(body json.RawMessage, delivery string) (reply any, err error) {
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
	if !isID(inner.User) || !isID(outer.TeamID) {
		return nil, errMalformed
	}
	t := talk{caller: caller{team: outer.TeamID, user: inner.User}}
	b.seen.once("event "+cmp.Or(outer.EventID, delivery), func() any {
		b.after(t, func(ctx context.Context) { b.welcome(ctx, t) })
		return nil
	})
	return nil, nil
}
