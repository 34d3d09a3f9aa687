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

const (
	// ackWait is how long a submitted modal may wait for its answer: only the acknowledgement can mark a field,
	// and Slack waits three seconds for it.
	ackWait = 2 * time.Second
	// maxAckBytes is what Slack takes back over a socket; it drops more without a word (documented as 20 KB).
	maxAckBytes = 20_000
)

// modalResult is what a person sees after they submitted a modal: errors at fields, another view, or nothing more.
type modalResult struct {
	errors map[string]string // by block_id, which must be one of the modal's inputs
	view   *slack.ModalViewRequest
}

// textResult is a screen of plain words.
func textResult(text string) modalResult {
	view := blocks.TextModal(blocks.TextSections(text))
	return modalResult{view: &view}
}

// ackReply is a screen as an acknowledgement; false when it does not fit into one.
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

// asModal is a screen for a modal that was already told to wait.
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

// handleSubmission answers a modal with the screen that work ends in: in the acknowledgement when that is in time, or
// else in the modal, which is told to wait meanwhile.
func (b *Bot) handleSubmission(req request, view slack.View) any {
	ended, gone := make(chan modalResult), make(chan struct{})
	started := b.runAsync(req, func(ctx context.Context) {
		s := b.runSubmission(ctx, req, view)
		select {
		case ended <- s:
		case <-gone:
			_ = b.updateView(ctx, req.viewID, s.asModal()) // which says so in the log
		}
	})
	if !started {
		reply, _ := textResult(msgBusy).ackReply()
		return reply
	}
	timer := time.NewTimer(ackWait)
	defer timer.Stop()
	select {
	case s := <-ended:
		reply, fits := s.ackReply()
		if fits {
			return reply
		}
		b.runAsync(req, func(ctx context.Context) { _ = b.updateView(ctx, req.viewID, s.asModal()) })
	case <-timer.C:
		close(gone)
	}
	reply, _ := textResult("Asking Defender…").ackReply()
	return reply
}

// runSubmission carries a submitted modal out.
func (b *Bot) runSubmission(ctx context.Context, req request, view slack.View) modalResult {
	who, err := b.resolveUser(ctx, req.caller)
	if err != nil {
		return textResult("Not done: " + withPeriod(ownMessage(err)))
	}
	req.caller = who
	if b.isReadOnly() {
		return textResult(msgReadOnly)
	}
	if view.CallbackID == actionDeny {
		return b.handleDenial(ctx, req, view)
	}
	f, ok := b.forms[view.CallbackID]
	if !ok {
		return textResult("This form is not known any more. Please start again with its command.")
	}
	args, shown := f.ParseSubmission(view)
	if id, _ := args["id"].(string); f.NeedsScan() && len(args) == 1 && id != "" && !slices.Contains(shown, "scanName") {
		return modalResult{view: new(b.prefilledForm(ctx, req, f, id))}
	}
	result := b.proposeAndPost(ctx, req.caller, f, args)
	if at := result.errorField(shown); at != "" {
		return modalResult{errors: map[string]string{at: blocks.Truncate(result.resultText(), blocks.MaxTextUnits)}}
	}
	return textResult(result.resultText())
}

// handleScanSelected goes on from the choice of a scan to the form, filled in with what the scan is now.
func (b *Bot) handleScanSelected(ctx context.Context, req request, view slack.View, block, scan string) {
	f, ok := b.forms[view.CallbackID]
	if ok && f.NeedsScan() && block == "id" {
		_ = b.updateView(ctx, view.ID, b.prefilledForm(ctx, req, f, scan)) // which says so in the log
	}
}

// prefilledForm is the form of a scan as Defender has it now.
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
	return blocks.TextModal(blocks.TextSections("This scan is not in Defender any more. Please start again."))
}

// suggestOptions answers the typing in a menu that is too long to be sent whole.
func (b *Bot) suggestOptions(req request, in slack.InteractionCallback) any {
	none := slack.OptionsResponse{Options: []*slack.OptionBlockObject{}}
	from := form.SourceOf(in.BlockID)
	if from == nil {
		return none
	}
	found := make(chan []form.Option, 1)
	b.runAsync(req, func(ctx context.Context) {
		who, err := b.users.member(ctx, req.caller)
		if err != nil {
			found <- nil
			return
		}
		all, err := b.loadOptions(ctx, who, from, in.Value)
		if err != nil {
			b.cfg.Log.WarnContext(ctx, "a menu could not be filled", "error", err)
		}
		found <- all
	})
	timer := time.NewTimer(ackWait)
	defer timer.Stop()
	select {
	case all := <-found:
		return map[string]any{"options": append([]*slack.OptionBlockObject{}, form.MenuOptions(all)...)}
	case <-timer.C:
		return none
	}
}

// errorField is the input that a refusal is shown at: its field's, or the first one when the refusal is about none or
// about one that is not there. "" is none: what is wrong cannot be mended in the form.
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
