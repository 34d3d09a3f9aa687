package server

import (
	"context"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools"
)

// enableWrites gives the gate what carries changes out. In read-only mode that is nothing: no writer is made, and the gate
// neither executes nor recovers.
func (b *Builder) enableWrites(lock *confirm.Config, h *components, api defender.Config, write TokenSource) error {
	if b.cfg.ReadOnly {
		return nil
	}
	// What the executor reads belongs to a write that a person waits for: it does not queue behind other reads.
	urgent, take := api, api.RateLimit
	urgent.RateLimit = func(ctx context.Context, _ bool) error { return take(ctx, true) }
	urgent.HTTP = b.metrics.newHTTPClient(true)
	live, err := defender.New(urgent)
	if err != nil {
		return err
	}
	api.HTTP, api.Token = b.metrics.newHTTPClient(false), write
	writer, err := defender.NewWriter(api)
	if err != nil {
		return err
	}
	executor := tools.NewExecutor(live, writer, b.Credentials())
	lock.Execute = func(ctx context.Context, c confirm.Change, still func(context.Context) error) confirm.Outcome {
		defer h.service.InvalidateCache() // the next plan is made against what this one leaves
		return executor.Execute(ctx, c, still)
	}
	lock.Reconcile = executor.Reconcile
	if b.users != nil {
		lock.CanExecute = b.canExecute
	}
	return nil
}

// canExecute says nil when what somebody asks for could be sent in their name: their sign-in is held here.
func (b *Builder) canExecute(_ context.Context, c confirm.Change) error {
	if c.Agent {
		return errAgentHasNoToken
	}
	_, err := b.users.get(c.Requester)
	return err
}
