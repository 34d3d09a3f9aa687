package tools

import (
	"context"
	"encoding/json"
	"reflect"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// operation is an entry of the catalogue with what stands behind it: call, or plan and settle.
type operation struct {
	Operation
	input, output reflect.Type

	call   func(context.Context, *Service, Caller, json.RawMessage) (any, error)
	plan   func(context.Context, *Service, Caller, json.RawMessage) (confirm.Proposal, error)
	settle settle
}

// settle tells from the live definitions how a change of unknown outcome ended.
type settle func(confirm.Change, []defender.Definition) confirm.Outcome

// answering is an operation that is performed at once, for the caller.
func answering[In, Out any](o Operation, answer func(*Service, context.Context, Caller, In) (Out, error)) operation {
	return operation{
		Operation: o, input: reflect.TypeFor[In](), output: reflect.TypeFor[Out](),
		call: func(ctx context.Context, d *Service, by Caller, args json.RawMessage) (any, error) {
			in, err := decode[In](args)
			if err != nil {
				return nil, err
			}
			return answer(d, ctx, by, in)
		},
	}
}

// proposing is an operation that only a person's yes carries out.
func proposing[In any](o Operation, plan func(*Service, context.Context, Caller, In) (confirm.Proposal, error), end settle) operation {
	o.Effect, o.OpenWorld = Proposes, true
	return operation{
		Operation: o, input: reflect.TypeFor[In](), output: reflect.TypeFor[Result](),
		plan: func(ctx context.Context, d *Service, by Caller, args json.RawMessage) (confirm.Proposal, error) {
			in, err := decode[In](args)
			if err != nil {
				return confirm.Proposal{}, err
			}
			p, err := plan(d, ctx, by, in)
			p.Operation, p.Target = o.Name, d.cfg.Target
			return p, err
		},
		settle: end,
	}
}

// findOperation finds an operation; nil when there is none.
func findOperation(name string) *operation {
	for i := range catalogue {
		if catalogue[i].Name == name {
			return &catalogue[i]
		}
	}
	return nil
}

// returning is for an operation whose answer has more than one form: t describes them all.
func (o operation) returning(t reflect.Type) operation {
	o.output = t
	return o
}
