package slackbot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
func (b *Bot) proposeText(ctx context.Context, req request, f Form, typed string) {
	args, err := f.ParseArguments(typed)
	if err != nil {
		b.replyText(ctx, req, b.commandHelp(f.Op.Name, ownMessage(err)))
		return
	}
	b.replyText(ctx, req, b.proposeAndPost(ctx, req.caller, f, args).resultText())
}

// ParseArguments reads a command's text. Names that the operation does not have are passed on alone, so that the
// desk refuses them in its own words: some are secrets, and that has to be said before anything else.
func (f Form) ParseArguments(typed string) (map[string]any, error) {
	given, err := SplitArguments(typed)
	if err != nil {
		return nil, err
	}
	args, strange := map[string]any{}, map[string]any{}
	var bare []string
	for _, p := range given {
		in, known := f.fieldIgnoringCase(p.Name)
		switch _, twice := args[in.name]; {
		case p.Name == "":
			bare = append(bare, p.Value)
		case !known:
			strange[p.Name] = p.Value
		case twice:
			err = fmt.Errorf("%s is there twice", in.name)
		default:
			args[in.name] = in.parse(p.Value)
		}
	}
	if len(strange) > 0 {
		return strange, nil
	}
	return args, errors.Join(err, f.assignBareWords(bare, args))
}

// fieldIgnoringCase finds a field as people type it: whatever its letter case.
func (f Form) fieldIgnoringCase(name string) (field, bool) {
	i := slices.IndexFunc(f.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	if i < 0 {
		return field{}, false
	}
	return f.fields[i], true
}

// assignBareWords gives bare words to the field they are for: one to an id, any number to a list of ids.
func (f Form) assignBareWords(bare []string, args map[string]any) error {
	if len(bare) == 0 {
		return nil
	}
	for _, in := range f.fields {
		if _, given := args[in.name]; given || in.source != ScansSource {
			continue
		}
		switch {
		case in.kind == "array":
			args[in.name] = bare
			return nil
		case len(bare) == 1:
			args[in.name] = bare[0]
			return nil
		}
	}
	return errors.New("a word without a name is not understood; write name=value, with quotation marks around blanks")
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
	fmt.Fprintf(&s, "Fields:\n")
	for _, in := range f.fields {
		fmt.Fprintf(&s, "• %s: %s", in.name, in.description)
		if len(in.enum) > 0 {
			fmt.Fprintf(&s, " (%s)", strings.Join(in.enum, ", "))
		}
		s.WriteString("\n")
	}
	return s.String()
}

// Example is a text that the command takes, made of the schema's own examples.
func (f Form) Example() string {
	var parts []string
	for _, in := range f.fields {
		switch {
		case in.source == ScansSource:
			parts = append(parts, quoteWord(in.example))
		case in.required || (f.NeedsScan() && in.name == "intervalInHours") || in.name == "credential":
			parts = append(parts, in.name+"="+quoteWord(in.example))
		}
	}
	return strings.Join(parts, " ")
}

func quoteWord(s string) string {
	if strings.ContainsAny(s, " \t=") {
		return `"` + s + `"`
	}
	return s
}

// prefillTimeout is how long a modal's data may take before the modal opens without it. The trigger lives three seconds.
const prefillTimeout = 700 * time.Millisecond

// openForm opens an operation's modal: filled with what Defender says when that is at hand, and otherwise at
// once, to be filled later.
func (b *Bot) openForm(ctx context.Context, req request, f Form) {
	type ready struct {
		all   OptionLists
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
				view = TextModal(TextSections(r.empty + refusalText(f.Op.Name, r.err)))
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

// FirstModal is the modal that a command opens.
func (f Form) FirstModal(all OptionLists) (view slackModal) {
	if all == nil {
		return f.LoadingModal()
	}
	if f.NeedsScan() {
		return f.ScanPicker(all)
	}
	return f.FullForm(all, nil, "")
}

// openModal opens a modal and returns its id; when Slack does not, it says so and returns "".
func (b *Bot) openModal(ctx context.Context, req request, view slackModal) string {
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
