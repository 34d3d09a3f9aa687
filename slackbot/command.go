package slackbot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// runCommand carries a command out. Without text it opens a modal.
func (b *Bot) runCommand(ctx context.Context, req request, command, typed string) {
	operation, ok := b.commands[normalizeCommand(command)]
	switch typed = strings.TrimSpace(typed); {
	case !ok && b.isReadOnly():
		b.replyText(ctx, req, msgReadOnly+" Its command is "+b.cfg.commandFor(scansCommand)+".")
	case !ok:
		b.replyText(ctx, req, "scanwarden has no such command. Its commands are: "+strings.Join(b.commandList(), ", "))
	case operation == scansCommand:
		b.runScansCommand(ctx, req, typed)
	case typed == "help":
		b.replyText(ctx, req, b.commandHelp(operation, ""))
	case typed == "":
		b.openForm(ctx, req, b.forms[operation])
	default:
		b.proposeText(ctx, req, b.forms[operation], typed)
	}
}

func (b *Bot) commandList() []string {
	var out []string
	for _, operation := range b.commands {
		out = append(out, b.cfg.commandFor(operation))
	}
	slices.Sort(out)
	return out
}

// proposeText plans what was typed behind a command, or helps.
func (b *Bot) proposeText(ctx context.Context, req request, f form.Form, typed string) {
	args, err := f.ParseArguments(typed)
	if err != nil {
		b.replyText(ctx, req, b.commandHelp(f.Op.Name, ownMessage(err)))
		return
	}
	b.replyText(ctx, req, b.proposeAndPost(ctx, req.caller, f, args).resultText())
}

// commandHelp tells how a command is written, with an example. It never repeats what was typed.
func (b *Bot) commandHelp(operation, problem string) string {
	f := b.forms[operation]
	var s strings.Builder
	if problem != "" {
		fmt.Fprintf(&s, "Not done: %s.\n\n", problem)
	}
	fmt.Fprintf(&s, "%s: %s\n\n", b.cfg.commandFor(operation), f.Op.Description)
	fmt.Fprintf(&s, "Without text it opens a form. For example:\n%s %s\n\n", b.cfg.commandFor(operation), f.Example())
	s.WriteString("Fields:\n" + f.FieldHelp())
	return s.String()
}

// prefillTimeout is how long a modal's data may take before the modal opens without it. The trigger lives three seconds.
const prefillTimeout = 700 * time.Millisecond

// openForm opens an operation's modal: filled with what Defender says when that is at hand, and otherwise at
// once, to be filled later.
func (b *Bot) openForm(ctx context.Context, req request, f form.Form) {
	type ready struct {
		all   form.OptionLists
		empty string
		err   error
	}
	asked := make(chan ready, 1)
	if !b.runAsync(req, func(ctx context.Context) {
		all, empty, err := b.loadLists(ctx, req.caller, f)
		asked <- ready{all, empty, err}
	}) {
		b.replyText(ctx, req, msgBusy)
		return
	}
	soon := time.NewTimer(prefillTimeout)
	defer soon.Stop()
	var opened string
	for {
		select {
		case r := <-asked:
			view := f.FirstModal(r.all)
			if r.err != nil || r.empty != "" {
				view = blocks.TextModal(blocks.TextSections(r.empty + refusalText(f.Op.Name, r.err)))
			}
			if opened != "" {
				_ = b.updateView(ctx, opened, view) // which says so in the log
				return
			}
			b.openModal(ctx, req, view)
			return
		case <-soon.C:
			if opened = b.openModal(ctx, req, f.LoadingModal()); opened == "" {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// openModal opens a modal and returns its id; when Slack does not, it says so and returns "".
func (b *Bot) openModal(ctx context.Context, req request, view slack.ModalViewRequest) string {
	id, err := b.openView(ctx, req, view)
	if err != nil {
		b.stopIfFatal(err)
		b.cfg.Log.WarnContext(ctx, "a modal could not be opened", "error", err)
		b.replyText(ctx, req, "Slack did not open the form in time. Please try again.")
	}
	return id
}

// refusalText is an error as one or two sentences for a person; "" for none.
func refusalText(operation string, err error) string {
	if err == nil {
		return ""
	}
	r := tools.Refused(operation, err)
	return strings.TrimSpace("Not done: " + r.Reason + " " + r.Next)
}

// arguments of a call, as the desk takes them.
func encodeArguments(args map[string]any) (json.RawMessage, error) {
	b, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("write arguments: %w", err)
	}
	return b, nil
}
