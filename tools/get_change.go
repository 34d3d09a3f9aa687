package tools

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"

	"scanwarden/confirm"
)

var getChange = answering(Operation{
	Name:        "get_change",
	Title:       "Get change",
	Description: "How a change of yours stands; without change_id, all your open ones.",
	Idempotent:  true,
}, (*Service).getChange).returning(reflect.TypeFor[getChangeOutput]())

type getChangeInput struct {
	ChangeID string `json:"change_id" jsonschema:"example=01JD3Y8K2Q5V7W9X1Z3B5C7D9F" jsonschema_description:"As a proposal returned it"`
	Wait     int    `json:"wait_seconds" jsonschema:"minimum=0,maximum=50,example=50" jsonschema_description:"Wait so long for an outcome"`
}

// getChangeOutput is what the schema says: one change, or the list of the open ones.
type getChangeOutput struct {
	Result
	Changes []Result `json:"changes"`
}

// JSONSchemaExtend frees the status, which a list has not.
func (getChangeOutput) JSONSchemaExtend(s *jsonschema.Schema) { s.Required = nil }

type openChanges struct {
	Changes []Result `json:"changes"`
}

// maxWait keeps a call shorter than the minute after which many clients give up.
const maxWait = 50

// getChange tells the caller of their own changes; for them, others' do not exist.
func (d *Service) getChange(ctx context.Context, by Caller, in getChangeInput) (any, error) {
	if in.Wait < 0 || in.Wait > maxWait {
		return nil, refuse("wait_seconds", "wait_seconds must be a whole number from 0 to %d, not %d", maxWait, in.Wait)
	}
	if err := d.needGate(); err != nil {
		return nil, err
	}
	if in.ChangeID == "" {
		return d.openChanges(ctx, by.Principal)
	}
	c, err := d.cfg.Gate.Change(ctx, in.ChangeID)
	if err != nil {
		return nil, err
	}
	own, err := d.cfg.Gate.IsRequester(ctx, c, by.Principal)
	if err != nil {
		return nil, err
	}
	if !own {
		return nil, fmt.Errorf("get change: %w", confirm.ErrNotFound)
	}
	if in.Wait > 0 && c.State.Open() {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(in.Wait)*time.Second)
		defer cancel()
		Progress(ctx, "waiting for the outcome")
		if c, err = d.cfg.Gate.Wait(ctx, in.ChangeID); err != nil {
			return nil, err
		}
	}
	return ResultOf(c), nil
}

func (d *Service) openChanges(ctx context.Context, by confirm.Principal) (any, error) {
	open, err := d.cfg.Gate.OpenChanges(ctx, by)
	out := openChanges{Changes: make([]Result, len(open))}
	for i, c := range open {
		out.Changes[i] = ResultOf(c)
	}
	return out, err
}

func (d *Service) needGate() error {
	if d.cfg.Gate == nil {
		return refuse("", "this server keeps no changes").then("use one that is set up to change scans")
	}
	return nil
}
