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

// runCommand runs a slash command. Without text it opens a modal.
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

// commandList returns the configured slash commands in alphabetical order.
func (b *Bot) commandList() []string {
	var out []string
	for _, operation := range b.commands {
		out = append(out, b.cfg.commandFor(operation))
	}
	slices.Sort(out)
	return out
}

// proposeText proposes the change that was typed behind a command, and replies with the outcome or with help.
func (b *Bot) proposeText(ctx context.Context, req request, f form.Form, typed string) {
	args, err := f.ParseArguments(typed)
	if err != nil {
		b.replyText(ctx, req, b.commandHelp(f.Op.Name, ownMessage(err)))
		return
	}
	b.replyBlocks(ctx, req, b.proposeAndPost(ctx, req.caller, f, args).resultBlocks())
}

// commandHelp returns how a command is written, with an example. It never repeats what the user typed.
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

// openForm opens the modal of an operation: with the tenant's lists if they arrive in time, and otherwise empty, to be
// filled in when they arrive.
func (b *Bot) openForm(ctx context.Context, req request, f form.Form) {
	type ready struct {
		all   form.OptionLists
		empty string
		err   error
	}
	loaded := make(chan ready, 1)
	if !b.runAsync(req, func(ctx context.Context) {
		all, empty, err := b.loadLists(ctx, req.caller, f)
		loaded <- ready{all, empty, err}
	}) {
		b.replyText(ctx, req, msgBusy)
		return
	}
	timer := time.NewTimer(b.waits.prefill)
	defer timer.Stop()
	var opened string
	for {
		select {
		case r := <-loaded:
			view := f.FirstModal(r.all)
			if r.err != nil || r.empty != "" {
				view = blocks.TextModal(blocks.TextSections(r.empty + refusalText(f.Op.Name, r.err)))
			}
			if opened != "" {
				_ = b.updateView(ctx, opened, view) // logs its error
				return
			}
			b.openModal(ctx, req, view)
			return
		case <-timer.C:
			if opened = b.openModal(ctx, req, f.LoadingModal()); opened == "" {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// openModal opens a modal and returns its ID. If Slack does not open it, openModal replies to the user and returns
// "".
func (b *Bot) openModal(ctx context.Context, req request, view slack.ModalViewRequest) string {
	id, err := b.openView(ctx, req, view)
	if err != nil {
		b.warn(ctx, "failed to open a modal", err)
		b.replyText(ctx, req, modalProblem(err))
	}
	return id
}

// modalProblem returns why Slack did not open a modal, and what to do.
func modalProblem(err error) string {
	if code := slackCode(err); tokenFixes[code] != "" {
		return withPeriod(withAdvice("Slack did not open the form", err))
	}
	return "Slack did not open the form in time. Please try again."
}

// refusalText returns err as one or two sentences for the user. It returns "" for nil.
func refusalText(operation string, err error) string {
	if err == nil {
		return ""
	}
	r := tools.Refused(operation, err)
	return strings.TrimSpace("Not done: " + r.Reason + " " + r.Next)
}

// encodeArguments returns args as Service takes them.
func encodeArguments(args map[string]any) (json.RawMessage, error) {
	b, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("encode arguments: %w", err)
	}
	return b, nil
}
