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

// obey carries a command out. Without text it opens a modal.
func (b *Bot) obey(ctx context.Context, t talk, command, typed string) {
	operation, ok := b.commands[spelling(command)]
	switch typed = strings.TrimSpace(typed); {
	case !ok && b.readOnly():
		b.tell(ctx, t, sayReadOnly+" Its command is "+b.cfg.slash(scansCommand)+".")
	case !ok:
		b.tell(ctx, t, "scanwarden has no such command. Its commands are: "+strings.Join(b.slashes(), ", "))
	case operation == scansCommand:
		b.scans(ctx, t, typed)
	case typed == "help":
		b.tell(ctx, t, b.help(operation, ""))
	case typed == "":
		b.openForm(ctx, t, b.forms[operation])
	default:
		b.proposeText(ctx, t, b.forms[operation], typed)
	}
}

func (b *Bot) slashes() []string {
	var out []string
	for _, operation := range b.commands {
		out = append(out, b.cfg.slash(operation))
	}
	slices.Sort(out)
	return out
}

// proposeText plans what was typed behind a command, or helps.
func (b *Bot) proposeText(ctx context.Context, t talk, f form, typed string) {
	args, err := f.arguments(typed)
	if err != nil {
		b.tell(ctx, t, b.help(f.op.Name, withoutCause(err)))
		return
	}
	b.tell(ctx, t, b.propose(ctx, t.caller, f, args).words())
}

// arguments reads a command's text. Names that the operation does not have are passed on alone, so that the
// desk refuses them in its own words: some are secrets, and that has to be said before anything else.
func (f form) arguments(typed string) (map[string]any, error) {
	given, err := pairs(typed)
	if err != nil {
		return nil, err
	}
	args, strange := map[string]any{}, map[string]any{}
	var bare []string
	for _, p := range given {
		in, known := f.named(p.name)
		switch _, twice := args[in.name]; {
		case p.name == "":
			bare = append(bare, p.value)
		case !known:
			strange[p.name] = p.value
		case twice:
			err = fmt.Errorf("%s is there twice", in.name)
		default:
			args[in.name] = in.typed(p.value)
		}
	}
	if len(strange) > 0 {
		return strange, nil
	}
	return args, errors.Join(err, f.place(bare, args))
}

// named finds a field as people type it: whatever its letter case.
func (f form) named(name string) (field, bool) {
	i := slices.IndexFunc(f.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	if i < 0 {
		return field{}, false
	}
	return f.fields[i], true
}

// place gives bare words to the field they are for: one to an id, any number to a list of ids.
func (f form) place(bare []string, args map[string]any) error {
	if len(bare) == 0 {
		return nil
	}
	for _, in := range f.fields {
		if _, given := args[in.name]; given || in.from != scansSource {
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

// help tells how a command is written, with an example. It never repeats what was typed.
func (b *Bot) help(operation, problem string) string {
	f := b.forms[operation]
	var s strings.Builder
	if problem != "" {
		fmt.Fprintf(&s, "Not done: %s.\n\n", problem)
	}
	fmt.Fprintf(&s, "%s: %s\n\n", b.cfg.slash(operation), f.op.Description)
	fmt.Fprintf(&s, "Without text it opens a form. For example:\n%s %s\n\n", b.cfg.slash(operation), f.example())
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

// example is a text that the command takes, made of the schema's own examples.
func (f form) example() string {
	var parts []string
	for _, in := range f.fields {
		switch {
		case in.from == scansSource:
			parts = append(parts, quotedWord(in.example))
		case in.required || (f.chooses() && in.name == "intervalInHours") || in.name == "credential":
			parts = append(parts, in.name+"="+quotedWord(in.example))
		}
	}
	return strings.Join(parts, " ")
}

func quotedWord(s string) string {
	if strings.ContainsAny(s, " \t=") {
		return `"` + s + `"`
	}
	return s
}

// quick is how long a modal's data may take before the modal opens without it. The trigger lives three seconds.
const quick = 700 * time.Millisecond

// openForm opens an operation's modal: filled with what Defender says when that is at hand, and otherwise at
// once, to be filled later.
func (b *Bot) openForm(ctx context.Context, t talk, f form) {
	type ready struct {
		all   lists
		empty string
		err   error
	}
	asked := make(chan ready, 1)
	if !b.after(t, func(ctx context.Context) {
		all, empty, err := b.lists(ctx, t.caller, f)
		asked <- ready{all, empty, err}
	}) {
		b.tell(ctx, t, sayBusy)
		return
	}
	soon := time.NewTimer(quick)
	defer soon.Stop()
	var opened string
	for {
		select {
		case r := <-asked:
			view := f.first(r.all)
			if r.err != nil || r.empty != "" {
				view = letter(words(r.empty + refusalOf(f.op.Name, r.err)))
			}
			if opened != "" {
				_ = b.updateView(ctx, opened, view) // which says so in the log
				return
			}
			b.openOrSay(ctx, t, view)
			return
		case <-soon.C:
			if opened = b.openOrSay(ctx, t, f.loading()); opened == "" {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// first is the modal that a command opens.
func (f form) first(all lists) (view slackModal) {
	if all == nil {
		return f.loading()
	}
	if f.chooses() {
		return f.choosing(all)
	}
	return f.asking(all, nil, "")
}

// openOrSay opens a modal and returns its id; when Slack does not, it says so and returns "".
func (b *Bot) openOrSay(ctx context.Context, t talk, view slackModal) string {
	id, err := b.openView(ctx, t, view)
	if err != nil {
		b.giveUpOn(err)
		b.cfg.Log.WarnContext(ctx, "a modal could not be opened", "error", err)
		b.tell(ctx, t, "Slack did not open the form in time. Please try again.")
	}
	return id
}

// refusalOf is an error as one or two sentences for a person; "" for none.
func refusalOf(operation string, err error) string {
	if err == nil {
		return ""
	}
	r := tools.Refused(operation, err)
	return strings.TrimSpace("Not done: " + r.Reason + " " + r.Next)
}

// arguments of a call, as the desk takes them.
func encode(args map[string]any) (json.RawMessage, error) {
	b, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("write arguments: %w", err)
	}
	return b, nil
}
