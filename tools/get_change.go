package tools

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"

	"scanwarden/confirm"
)

var getChange = newCallOperation(Operation{
	Name:        "get_change",
	Title:       "Get change",
	Description: "Get the status of a change that you proposed or, without change_id, of all your open changes.",
	Idempotent:  true, WaitArgument: "wait_seconds",
}, (*Service).getChange).withOutput(reflect.TypeFor[getChangeOutput]())

type getChangeInput struct {
	ChangeID string `json:"change_id" jsonschema:"example=01JD3Y8K2Q5V7W9X1Z3B5C7D9F" jsonschema_description:"The change_id that the proposing tool returned"`
	Wait     int    `json:"wait_seconds" jsonschema:"minimum=0,maximum=50,example=50" jsonschema_description:"Wait up to this many seconds for the outcome"`
}

// getChangeOutput describes both forms of the output for its schema: one change, or the list of the open ones.
type getChangeOutput struct {
	Result
	Changes []Result `json:"changes"`
}

// JSONSchemaExtend requires no field, because a list has no status.
func (getChangeOutput) JSONSchemaExtend(s *jsonschema.Schema) { s.Required = nil }

type openChanges struct {
	Changes []Result `json:"changes"`
}

// maxWait bounds wait_seconds: many clients give up after a minute.
const maxWait = 50

// getChange returns a change of the caller's. For the change of another requester it returns confirm.ErrNotFound.
func (s *Service) getChange(ctx context.Context, by Caller, in getChangeInput) (any, error) {
	if in.Wait < 0 || in.Wait > maxWait {
		return nil, refuse("wait_seconds", "wait_seconds must be a whole number from 0 to %d, not %d", maxWait, in.Wait)
	}
	if err := s.needGate(); err != nil {
		return nil, err
	}
	if in.ChangeID == "" {
		return s.openChanges(ctx, by.Principal)
	}
	c, err := s.cfg.Gate.Change(ctx, in.ChangeID)
	if err != nil {
		return nil, err
	}
	own, err := s.cfg.Gate.IsRequester(ctx, c, by.Principal)
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
		if c, err = s.cfg.Gate.Wait(ctx, in.ChangeID); err != nil {
			return nil, err
		}
	}
	return ResultOf(c), nil
}

func (s *Service) openChanges(ctx context.Context, by confirm.Principal) (any, error) {
	open, err := s.cfg.Gate.OpenChanges(ctx, by)
	out := openChanges{Changes: make([]Result, len(open))}
	for i, c := range open {
		out.Changes[i] = ResultOf(c)
	}
	return out, err
}

func (s *Service) needGate() error {
	if s.cfg.Gate == nil {
		return refuse("", "this server keeps no changes").withHint("use one that is set up to change scans")
	}
	return nil
}
