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
	Wait     int    `json:"wait_seconds" jsonschema:"minimum=0,maximum=50,example=50" jsonschema_description:"Wait up to this many seconds for the decision and the outcome"`
}

// getChangeOutput describes both forms of the output for its schema: one change, or the list of the open ones.
type getChangeOutput struct {
	Result
	Changes []Result `json:"changes"`
}

// JSONSchemaExtend requires no field, because a list has no status.
func (getChangeOutput) JSONSchemaExtend(s *jsonschema.Schema) { s.Required = nil }

// openChanges is the list of a caller's open changes.
type openChanges struct {
	Total   int      `json:"total"` // the number of open changes, also of those that are left out here
	Changes []Result `json:"changes"`
	Next    string   `json:"next,omitempty"`
}

// Len implements List.
func (o openChanges) Len() int { return len(o.Changes) }

// First implements List.
func (o openChanges) First(n int) List {
	o.Changes = o.Changes[:n]
	if n < o.Total {
		o.Next = fmt.Sprintf("These are %d of %d open changes. Call get_change again when some of them have ended, or with a change_id.", n, o.Total)
	}
	return o
}

// Shortened implements List.
func (o openChanges) Shortened() List {
	r := o.Changes[0]
	shortenTexts(maxShortText, &r.Summary, &r.Reason, &r.Next)
	o.Changes = []Result{r}
	return o.First(1)
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
	out := openChanges{Total: len(open), Changes: make([]Result, len(open))}
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
