package slackbot

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// maxAckBytes is what Slack accepts as an acknowledgement over a socket. It silently drops longer ones (documented as
// 20 KB).
const maxAckBytes = 20_000

// modalResult is what the user sees after submitting a modal: errors at fields, another view, or a closed modal.
type modalResult struct {
	errors map[string]string // by block_id, which must be one of the modal's inputs
	view   *slack.ModalViewRequest
}

// textResult returns a result that shows text.
func textResult(text string) modalResult {
	view := blocks.TextModal(blocks.TextSections(text))
	return modalResult{view: &view}
}

// ackReply returns the result as an acknowledgement. It returns false if the result does not fit into one.
func (s modalResult) ackReply() (any, bool) {
	switch {
	case len(s.errors) > 0:
		return slack.NewErrorsViewSubmissionResponse(s.errors), true
	case s.view == nil:
		return slack.NewClearViewSubmissionResponse(), true
	}
	update := slack.NewUpdateViewSubmissionResponse(s.view)
	b, err := json.Marshal(update)
	return update, err == nil && len(b) < maxAckBytes-1000
}

// asModal returns the result for a modal that was acknowledged before the result was known.
func (s modalResult) asModal() slack.ModalViewRequest {
	if s.view != nil {
		return *s.view
	}
	text := "Done."
	for _, problem := range s.errors {
		text = problem + " Please start again."
	}
	return blocks.TextModal(blocks.TextSections(text))
}

// handleSubmission acknowledges a submitted modal with its result if that is known in time. Otherwise the modal shows
// that it waits, and the result replaces that later.
func (b *Bot) handleSubmission(req request, view slack.View) any {
	done, late := make(chan modalResult), make(chan struct{})
	started := b.runAsync(req, func(ctx context.Context) {
		result := b.runSubmission(ctx, req, view)
		select {
		case done <- result:
		case <-late:
			_ = b.updateView(ctx, req.viewID, result.asModal()) // logs its error
		}
	})
	if !started {
		reply, _ := textResult(msgBusy).ackReply()
		return reply
	}
	timer := time.NewTimer(b.waits.ack)
	defer timer.Stop()
	select {
	case result := <-done:
		reply, fits := result.ackReply()
		if fits {
			return reply
		}
		b.runAsync(req, func(ctx context.Context) { _ = b.updateView(ctx, req.viewID, result.asModal()) })
	case <-timer.C:
		close(late)
	}
	reply, _ := textResult("Asking Defender…").ackReply()
	return reply
}

// runSubmission processes a submitted modal and returns its result.
func (b *Bot) runSubmission(ctx context.Context, req request, view slack.View) modalResult {
	by, err := b.resolveUser(ctx, req.users, req.caller)
	if err != nil {
		return textResult("Not done: " + withPeriod(ownMessage(err)))
	}
	req.caller = by
	if b.isReadOnly() {
		return textResult(msgReadOnly)
	}
	if view.CallbackID == actionDeny {
		return b.handleDenial(ctx, req, view)
	}
	f, ok := b.forms[view.CallbackID]
	if !ok {
		return textResult("This form no longer exists. Please start again with its command.")
	}
	args, shown := f.ParseSubmission(view)
	if id, _ := args["id"].(string); f.NeedsScan() && len(args) == 1 && id != "" && !slices.Contains(shown, "scanName") {
		return modalResult{view: new(b.prefilledForm(ctx, req, f, id))}
	}
	result := b.proposeAndPost(ctx, req.caller, f, args)
	if at := result.errorField(shown); at != "" {
		return modalResult{errors: map[string]string{at: blocks.Truncate(result.resultText(), blocks.MaxTextUnits)}}
	}
	return modalResult{view: new(blocks.TextModal(result.resultBlocks()))}
}

// handleScanSelected replaces the scan picker by the form of the scan that the user picked.
func (b *Bot) handleScanSelected(ctx context.Context, req request, view slack.View, act *slack.BlockAction) {
	f, ok := b.forms[view.CallbackID]
	if ok && f.NeedsScan() && act.BlockID == "id" {
		_ = b.updateView(ctx, view.ID, b.prefilledForm(ctx, req, f, act.SelectedOption.Value)) // logs its error
	}
}

// prefilledForm returns the form of a scan, filled in with its present values in Defender.
func (b *Bot) prefilledForm(ctx context.Context, req request, f form.Form, scan string) slack.ModalViewRequest {
	all, empty, err := b.loadLists(ctx, req.caller, f)
	if err != nil || empty != "" {
		return blocks.TextModal(blocks.TextSections(empty + refusalText(f.Op.Name, err)))
	}
	for _, e := range all[form.ScansSource] {
		if e.ID == scan {
			return f.FullForm(all, e.Values(), scan)
		}
	}
	return blocks.TextModal(blocks.TextSections("This scan is no longer in Defender. Please start again."))
}

// suggestOptions returns the options of a menu that is too long to be sent whole, filtered by what the user has
// typed.
func (b *Bot) suggestOptions(req request, in slack.InteractionCallback) any {
	none := slack.OptionsResponse{Options: []*slack.OptionBlockObject{}}
	from := form.SourceOf(in.BlockID)
	if from == nil {
		return none
	}
	found := make(chan []form.Option, 1)
	b.runAsync(req, func(ctx context.Context) {
		by, err := b.users.member(ctx, req.caller)
		if err != nil {
			found <- nil
			return
		}
		all, err := b.loadOptions(ctx, by, from, in.Value)
		if err != nil {
			b.cfg.Log.WarnContext(ctx, "failed to fill a menu", "error", err)
		}
		found <- all
	})
	timer := time.NewTimer(b.waits.ack)
	defer timer.Stop()
	select {
	case all := <-found:
		return map[string]any{"options": append([]*slack.OptionBlockObject{}, form.MenuOptions(all)...)}
	case <-timer.C:
		return none
	}
}

// errorField returns the input at which a refusal is shown: the one that it names, or else the first one. It returns
// "" if the form cannot fix the problem.
func (r proposalResult) errorField(shown []string) string {
	refusal, ok := errors.AsType[*tools.Refusal](r.err)
	if !ok || len(shown) == 0 {
		return ""
	}
	for _, name := range shown {
		if name == refusal.Field || strings.HasPrefix(name, refusal.Field+".") && refusal.Field != "" {
			return name
		}
	}
	return shown[0]
}
