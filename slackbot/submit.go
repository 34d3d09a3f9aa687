package slackbot

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/tools"
)

type slackModal = slack.ModalViewRequest

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
	view   *slackModal
}

// textResult is a screen of plain words.
func textResult(text string) modalResult {
	view := TextModal(TextSections(text))
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
func (s modalResult) asModal() slackModal {
	if s.view != nil {
		return *s.view
	}
	text := "Done."
	for _, problem := range s.errors {
		text = problem + " Please start again."
	}
	return TextModal(TextSections(text))
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
		return modalResult{view: ptr(b.prefilledForm(ctx, req, f, id))}
	}
	result := b.proposeAndPost(ctx, req.caller, f, args)
	if at := result.errorField(shown); at != "" {
		return modalResult{errors: map[string]string{at: Truncate(result.resultText(), MaxTextUnits)}}
	}
	return textResult(result.resultText())
}

func ptr[T any](v T) *T { return &v }

// handleScanSelected goes on from the choice of a scan to the form, filled in with what the scan is now.
func (b *Bot) handleScanSelected(ctx context.Context, req request, view slack.View, block, scan string) {
	f, ok := b.forms[view.CallbackID]
	if ok && f.NeedsScan() && block == "id" {
		_ = b.updateView(ctx, view.ID, b.prefilledForm(ctx, req, f, scan)) // which says so in the log
	}
}

// prefilledForm is the form of a scan as Defender has it now.
func (b *Bot) prefilledForm(ctx context.Context, req request, f Form, scan string) slackModal {
	all, empty, err := b.loadLists(ctx, req.caller, f)
	if err != nil || empty != "" {
		return TextModal(TextSections(empty + refusalText(f.Op.Name, err)))
	}
	for _, e := range all[ScansSource] {
		if e.ID == scan {
			return f.FullForm(all, e.Values(), scan)
		}
	}
	return TextModal(TextSections("This scan is not in Defender any more. Please start again."))
}

// ParseSubmission reads what a modal says that is different from what it showed, and which inputs it had. A scan
// that the modal was about comes from its memo.
func (f Form) ParseSubmission(view slack.View) (args map[string]any, shown []string) {
	args = map[string]any{}
	if scan := readModalState(view.PrivateMetadata).Scan; scan != "" {
		args["id"] = scan
	}
	was := initialValues(view.Blocks)
	if view.State == nil {
		return args, shown
	}
	for _, in := range f.fields {
		act, ok := view.State.Values[in.name][ValueAction]
		if !ok {
			continue
		}
		shown = append(shown, in.name)
		given, before := in.value(act), was[in.name]
		if same := before != nil && *before == given; given != "" && !same {
			args[in.name] = in.parse(given)
		}
		if list := in.selectedValues(act); in.kind == "array" && len(list) > 0 {
			args[in.name] = list
		}
	}
	return args, shown
}

// value is what an input holds, as text; "" is nothing.
func (f field) value(act slack.BlockAction) string {
	switch {
	case f.kind == "boolean" && act.SelectedOption.Value == "":
		if len(act.SelectedOptions) > 0 {
			return "true"
		}
		return "false"
	case act.SelectedOption.Value != "":
		return act.SelectedOption.Value
	default:
		return strings.TrimSpace(act.Value)
	}
}

func (f field) selectedValues(act slack.BlockAction) (list []string) {
	for _, o := range act.SelectedOptions {
		list = append(list, o.Value)
	}
	return list
}

// initialValues are what the inputs of a modal held when it was shown: Slack sends the modal back with its answers,
// so that nothing has to be remembered, and what somebody else changed meanwhile is not taken for a wish.
func initialValues(blocks slack.Blocks) map[string]*string {
	out := map[string]*string{}
	for _, block := range blocks.BlockSet {
		in, ok := block.(*slack.InputBlock)
		if !ok {
			continue
		}
		var was string
		switch e := in.Element.(type) {
		case *slack.PlainTextInputBlockElement:
			was = strings.TrimSpace(e.InitialValue)
		case *slack.NumberInputBlockElement:
			was = e.InitialValue
		case *slack.SelectBlockElement:
			if e.InitialOption != nil {
				was = e.InitialOption.Value
			}
		case *slack.CheckboxGroupsBlockElement:
			was = "false"
			if len(e.InitialOptions) > 0 {
				was = "true"
			}
		}
		out[in.BlockID] = &was
	}
	return out
}

// suggestOptions answers the typing in a menu that is too long to be sent whole.
func (b *Bot) suggestOptions(req request, in slack.InteractionCallback) any {
	none := slack.OptionsResponse{Options: []*slack.OptionBlockObject{}}
	from := optionSources[in.BlockID]
	if from == nil {
		return none
	}
	found := make(chan []Option, 1)
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
		return map[string]any{"options": append([]*slack.OptionBlockObject{}, MenuOptions(all)...)}
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
