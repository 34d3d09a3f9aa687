package slackbot

import (
	"context"
	"encoding/json"
	"fmt"

	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// loadOptions reads one list of the tenant as the user, through the same Service as every other interface.
func (b *Bot) loadOptions(ctx context.Context, by caller, from *form.OptionSource, filter string) ([]form.Option, error) {
	var out map[string]json.RawMessage // the list, and what goes with it
	if err := b.readOperation(ctx, by, readCall{from.Operation, map[string]any{"filter": filter}}, &out); err != nil {
		return nil, err
	}
	var entries []map[string]any
	if err := json.Unmarshal(out[from.List], &entries); err != nil {
		return nil, fmt.Errorf("%s: decode output: %w", from.Operation, err)
	}
	return from.Options(entries), nil
}

// readCall is a call of a read operation.
type readCall struct {
	operation string
	args      map[string]any
}

// readOperation performs call for the user, and decodes its JSON output into out.
func (b *Bot) readOperation(ctx context.Context, by caller, call readCall, out any) error {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return err
	}
	input, err := json.Marshal(call.args)
	if err != nil {
		return fmt.Errorf("%s: encode arguments: %w", call.operation, err)
	}
	result, err := back.Service.Call(ctx, tools.Caller{Principal: by.principal()}, call.operation, input)
	if err != nil {
		return err
	}
	output, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("%s: encode output: %w", call.operation, err)
	}
	return json.Unmarshal(output, out)
}

// loadLists reads all lists that a form needs. If one of them is empty, it returns the text for the user instead: a
// form with an empty menu cannot be submitted.
func (b *Bot) loadLists(ctx context.Context, by caller, f form.Form) (all form.OptionLists, empty string, err error) {
	all = form.OptionLists{}
	for _, from := range f.Sources() {
		if all[from], err = b.loadOptions(ctx, by, from, ""); err != nil {
			return nil, "", err
		}
		if len(all[from]) == 0 {
			return nil, from.EmptyText, nil
		}
	}
	return all, "", nil
}
