package slackbot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"scanwarden/tools"
)

// entry is one of a list of the tenant's.
type entry struct {
	id, name, about string
	fields          map[string]any
}

// lists are the tenant's lists as a form needs them.
type lists map[*source][]entry

// option is an entry in a menu. Its label is cut, its value never: what is chosen is an id.
func (e entry) option() *slack.OptionBlockObject {
	name, about := e.name, e.about
	if name == "" {
		name = e.id
	}
	var description *slack.TextBlockObject
	if about != "" {
		description = plain(short(about, 75))
	}
	return slack.NewOptionBlockObject(e.id, plain(short(name, 75)), description)
}

func optionsOf(all []entry) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	for _, e := range all[:min(len(all), most)] {
		out = append(out, e.option())
	}
	return out
}

// live reads a list of the tenant's for a person, through the same desk as everybody else.
func (b *Bot) live(ctx context.Context, who caller, from *source, filter string) ([]entry, error) {
	var out map[string][]map[string]any
	if err := b.read(ctx, who, from.operation, map[string]any{"filter": filter}, &out); err != nil {
		return nil, err
	}
	var all []entry
	for _, fields := range out[from.list] {
		e := entry{id: text(fields[from.id]), name: text(fields[from.name]), about: from.about(fields), fields: fields}
		// An id that a menu cannot carry whole is left to the text form.
		if e.id != "" && fitting(e.id, 75) == len(e.id) {
			all = append(all, e)
		}
	}
	return all, nil
}

// read performs a reading operation and takes its result apart as JSON, as any other face would.
func (b *Bot) read(ctx context.Context, who caller, operation string, args map[string]any, into any) error {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return err
	}
	asked, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("%s: write arguments: %w", operation, err)
	}
	out, err := back.Service.Call(ctx, tools.Caller{Principal: who.principal()}, operation, asked)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", operation, err)
	}
	return json.Unmarshal(answer, into)
}

// lists reads all that a form offers. A list that is needed and empty is told, not shown as an empty menu.
func (b *Bot) lists(ctx context.Context, who caller, f form) (all lists, empty string, err error) {
	all = lists{}
	for _, from := range f.sources() {
		if all[from], err = b.live(ctx, who, from, ""); err != nil {
			return nil, "", err
		}
		if len(all[from]) == 0 {
			return nil, from.none, nil
		}
	}
	return all, "", nil
}

// flat are the values of a live scan by the names that forms have.
func (e entry) flat() map[string]any {
	out := map[string]any{}
	for name, value := range e.fields {
		inner, nested := value.(map[string]any)
		if !nested {
			out[name] = value
			continue
		}
		for below, value := range inner {
			out[name+"."+below] = value
		}
	}
	return out
}
