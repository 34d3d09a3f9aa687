package tools

import (
	"context"
	"encoding/json"
	"reflect"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// operation is an entry of the catalogue with its functions: call, or plan and reconcile.
type operation struct {
	Operation
	input, output reflect.Type

	call      func(context.Context, *Service, Caller, json.RawMessage) (any, error)
	plan      func(context.Context, *Service, Caller, json.RawMessage) (confirm.Proposal, error)
	reconcile reconcileFunc
}

// reconcileFunc returns, from the live definitions, how a change of unknown outcome ended.
type reconcileFunc func(confirm.Change, []defender.Definition) confirm.Outcome

// newCallOperation returns an operation that is performed at once for the caller.
func newCallOperation[In, Out any](o Operation, answer func(*Service, context.Context, Caller, In) (Out, error)) operation {
	return operation{
		Operation: o, input: reflect.TypeFor[In](), output: reflect.TypeFor[Out](),
		call: func(ctx context.Context, d *Service, by Caller, args json.RawMessage) (any, error) {
			in, err := decodeInput[In](args)
			if err != nil {
				return nil, err
			}
			return answer(d, ctx, by, in)
		},
	}
}

// newProposalOperation returns an operation that is executed only after an approver has confirmed it.
func newProposalOperation[In any](o Operation, plan func(*Service, context.Context, Caller, In) (confirm.Proposal, error), end reconcileFunc) operation {
	o.Effect, o.OpenWorld = Proposes, true
	return operation{
		Operation: o, input: reflect.TypeFor[In](), output: reflect.TypeFor[Result](),
		plan: func(ctx context.Context, d *Service, by Caller, args json.RawMessage) (confirm.Proposal, error) {
			in, err := decodeInput[In](args)
			if err != nil {
				return confirm.Proposal{}, err
			}
			p, err := plan(d, ctx, by, in)
			p.Operation, p.Target = o.Name, d.cfg.Target
			return p, err
		},
		reconcile: end,
	}
}

// findOperation returns an operation by its name; nil if there is none.
func findOperation(name string) *operation {
	for i := range catalogue {
		if catalogue[i].Name == name {
			return &catalogue[i]
		}
	}
	return nil
}

// withOutput returns the operation with an output schema for t, which describes all forms of its answer.
func (o operation) withOutput(t reflect.Type) operation {
	o.output = t
	return o
}
