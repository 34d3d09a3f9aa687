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
	// grace is how long a submitted modal may wait for its answer: only the acknowledgement can mark a field,
	// and Slack waits three seconds for it.
	grace = 2 * time.Second
	// widestAck is what Slack takes back over a socket; it drops more without a word (documented as 20 KB).
	widestAck = 20_000
)

// screen is what a person sees after they submitted a modal: errors at fields, another view, or nothing more.
type screen struct {
	errors map[string]string // by block_id, which must be one of the modal's inputs
	view   *slackModal
}

// saying is a screen of plain words.
func saying(text string) screen {
	view := letter(words(text))
	return screen{view: &view}
}

// reply is a screen as an acknowledgement; false when it does not fit into one.
func (s screen) reply() (any, bool) {
	switch {
	case len(s.errors) > 0:
		return slack.NewErrorsViewSubmissionResponse(s.errors), true
	case s.view == nil:
		return slack.NewClearViewSubmissionResponse(), true
	}
	update := slack.NewUpdateViewSubmissionResponse(s.view)
	b, err := json.Marshal(update)
	return update, err == nil && len(b) < widestAck-1000
}

// late is a screen for a modal that was already told to wait.
func (s screen) late() slackModal {
	if s.view != nil {
		return *s.view
	}
	text := "Done."
	for _, problem := range s.errors {
		text = problem + " Please start again."
	}
	return letter(words(text))
}

// submitted answers a modal with the screen that work ends in: in the acknowledgement when that is in time, or
// else in the modal, which is told to wait meanwhile.
func (b *Bot) submitted(t talk, view slack.View) any {
	ended, gone := make(chan screen), make(chan struct{})
	started := b.after(t, func(ctx context.Context) {
		s := b.submit(ctx, t, view)
		select {
		case ended <- s:
		case <-gone:
			_ = b.updateView(ctx, t.view, s.late()) // which says so in the log
		}
	})
	if !started {
		reply, _ := saying(sayBusy).reply()
		return reply
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case s := <-ended:
		reply, fits := s.reply()
		if fits {
			return reply
		}
		b.after(t, func(ctx context.Context) { _ = b.updateView(ctx, t.view, s.late()) })
	case <-timer.C:
		close(gone)
	}
	reply, _ := saying("Asking Defender…").reply()
	return reply
}

// submit carries a submitted modal out.
func (b *Bot) submit(ctx context.Context, t talk, view slack.View) screen {
	who, err := b.admitted(ctx, t.caller)
	if err != nil {
		return saying("Not done: " + stopped(withoutCause(err)))
	}
	t.caller = who
	if b.readOnly() {
		return saying(sayReadOnly)
	}
	if view.CallbackID == denyChange {
		return b.deny(ctx, t, view)
	}
	f, ok := b.forms[view.CallbackID]
	if !ok {
		return saying("This form is not known any more. Please start again with its command.")
	}
	args, shown := f.submitted(view)
	if id, _ := args["id"].(string); f.chooses() && len(args) == 1 && id != "" && !slices.Contains(shown, "scanName") {
		return screen{view: ptr(b.filled(ctx, t, f, id))}
	}
	result := b.propose(ctx, t.caller, f, args)
	if at := result.at(shown); at != "" {
		return screen{errors: map[string]string{at: short(result.words(), widest)}}
	}
	return saying(result.words())
}

func ptr[T any](v T) *T { return &v }

// chosen goes on from the choice of a scan to the form, filled in with what the scan is now.
func (b *Bot) chosen(ctx context.Context, t talk, view slack.View, block, scan string) {
	f, ok := b.forms[view.CallbackID]
	if ok && f.chooses() && block == "id" {
		_ = b.updateView(ctx, view.ID, b.filled(ctx, t, f, scan)) // which says so in the log
	}
}

// filled is the form of a scan as Defender has it now.
func (b *Bot) filled(ctx context.Context, t talk, f form, scan string) slackModal {
	all, empty, err := b.lists(ctx, t.caller, f)
	if err != nil || empty != "" {
		return letter(words(empty + refusalOf(f.op.Name, err)))
	}
	for _, e := range all[scansSource] {
		if e.id == scan {
			return f.asking(all, e.flat(), scan)
		}
	}
	return letter(words("This scan is not in Defender any more. Please start again."))
}

// submitted reads what a modal says that is different from what it showed, and which inputs it had. A scan
// that the modal was about comes from its memo.
func (f form) submitted(view slack.View) (args map[string]any, shown []string) {
	args = map[string]any{}
	if scan := readMemo(view.PrivateMetadata).Scan; scan != "" {
		args["id"] = scan
	}
	was := initials(view.Blocks)
	if view.State == nil {
		return args, shown
	}
	for _, in := range f.fields {
		act, ok := view.State.Values[in.name][valueAction]
		if !ok {
			continue
		}
		shown = append(shown, in.name)
		given, before := in.given(act), was[in.name]
		if same := before != nil && *before == given; given != "" && !same {
			args[in.name] = in.typed(given)
		}
		if list := in.picked(act); in.kind == "array" && len(list) > 0 {
			args[in.name] = list
		}
	}
	return args, shown
}

// given is what an input holds, as text; "" is nothing.
func (f field) given(act slack.BlockAction) string {
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

func (f field) picked(act slack.BlockAction) (list []string) {
	for _, o := range act.SelectedOptions {
		list = append(list, o.Value)
	}
	return list
}

// initials are what the inputs of a modal held when it was shown: Slack sends the modal back with its answers,
// so that nothing has to be remembered, and what somebody else changed meanwhile is not taken for a wish.
func initials(blocks slack.Blocks) map[string]*string {
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

// suggest answers the typing in a menu that is too long to be sent whole.
func (b *Bot) suggest(t talk, in slack.InteractionCallback) any {
	none := slack.OptionsResponse{Options: []*slack.OptionBlockObject{}}
	from := chosenFrom[in.BlockID]
	if from == nil {
		return none
	}
	found := make(chan []entry, 1)
	b.after(t, func(ctx context.Context) {
		who, err := b.people.check(ctx, t.caller)
		if err != nil {
			found <- nil
			return
		}
		all, err := b.live(ctx, who, from, in.Value)
		if err != nil {
			b.cfg.Log.WarnContext(ctx, "a menu could not be filled", "error", err)
		}
		found <- all
	})
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case all := <-found:
		return map[string]any{"options": append([]*slack.OptionBlockObject{}, optionsOf(all)...)}
	case <-timer.C:
		return none
	}
}

// at is the input that a refusal is shown at: its field's, or the first one when the refusal is about none or
// about one that is not there. "" is none: what is wrong cannot be mended in the form.
func (r proposed) at(shown []string) string {
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
