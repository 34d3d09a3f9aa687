package slackbot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"scanwarden/tools"
)

// Option is one of a list of the tenant's.
type Option struct {
	ID, Name, About string
	Fields          map[string]any
}

// OptionLists are the tenant's lists as a form needs them.
type OptionLists map[*OptionSource][]Option

// menuOption is an entry in a menu. Its label is cut, its value never: what is chosen is an id.
func (e Option) menuOption() *slack.OptionBlockObject {
	name, about := e.Name, e.About
	if name == "" {
		name = e.ID
	}
	var description *slack.TextBlockObject
	if about != "" {
		description = PlainText(Truncate(about, 75))
	}
	return slack.NewOptionBlockObject(e.ID, PlainText(Truncate(name, 75)), description)
}

func MenuOptions(all []Option) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	for _, e := range all[:min(len(all), maxOptions)] {
		out = append(out, e.menuOption())
	}
	return out
}

// loadOptions reads a list of the tenant's for a person, through the same desk as everybody else.
func (b *Bot) loadOptions(ctx context.Context, who caller, from *OptionSource, filter string) ([]Option, error) {
	var out map[string][]map[string]any
	if err := b.readOperation(ctx, who, from.Operation, map[string]any{"filter": filter}, &out); err != nil {
		return nil, err
	}
	var all []Option
	for _, fields := range out[from.List] {
		e := Option{ID: FormatValue(fields[from.idField]), Name: FormatValue(fields[from.nameField]), About: from.describe(fields), Fields: fields}
		// An id that a menu cannot carry whole is left to the text form.
		if e.ID != "" && PrefixLen(e.ID, 75) == len(e.ID) {
			all = append(all, e)
		}
	}
	return all, nil
}

// readOperation performs a reading operation and takes its result apart as JSON, as any other face would.
func (b *Bot) readOperation(ctx context.Context, who caller, operation string, args map[string]any, into any) error {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return err
	}
	asked, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("%s: write arguments: %w", operation, err)
	}
	out, err := back.Service.Call(tools.OnBehalf(ctx, who.principal()), who.principal(), operation, asked)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", operation, err)
	}
	return json.Unmarshal(answer, into)
}

// loadLists reads all that a form offers. A list that is needed and empty is told, not shown as an empty menu.
func (b *Bot) loadLists(ctx context.Context, who caller, f Form) (all OptionLists, empty string, err error) {
	all = OptionLists{}
	for _, from := range f.Sources() {
		if all[from], err = b.loadOptions(ctx, who, from, ""); err != nil {
			return nil, "", err
		}
		if len(all[from]) == 0 {
			return nil, from.EmptyText, nil
		}
	}
	return all, "", nil
}

// Values are the values of a live scan by the names that forms have.
func (e Option) Values() map[string]any {
	out := map[string]any{}
	for name, value := range e.Fields {
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
