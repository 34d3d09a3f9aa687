package server

import (
	"context"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools"
)

// enableWrites gives the Gate an Executor. In read-only mode it does nothing: no Writer is made, and the Gate neither
// executes nor recovers.
func (b *Builder) enableWrites(gateConfig *confirm.Config, components *components, api defender.Config, write TokenSource) error {
	if b.cfg.ReadOnly {
		return nil
	}
	reads := api
	reads.HTTP = b.metrics.newHTTPClient(true)
	live, err := defender.New(reads)
	if err != nil {
		return err
	}
	api.HTTP, api.Token = b.metrics.newHTTPClient(false), write
	writer, err := defender.NewWriter(api)
	if err != nil {
		return err
	}
	executor := tools.NewExecutor(live, writer, b.Credentials(), &b.typed)
	gateConfig.Execute = func(ctx context.Context, change confirm.Change, beforeSend confirm.BeforeSend) confirm.Outcome {
		defer components.service.InvalidateCache() // the next plan must see what this change did
		return executor.Execute(ctx, change, beforeSend)
	}
	gateConfig.Reconcile = executor.Reconcile
	gateConfig.CheckApproval = b.typed.Check
	gateConfig.CanExecute = b.canExecute
	return nil
}

// canExecute returns nil if what an approver has typed for the change is held here, and Defender can be called on behalf of
// the requester, with a token that is held here, if it has to be.
func (b *Builder) canExecute(_ context.Context, change confirm.Change) error {
	if err := b.typed.Check(change); err != nil || b.users == nil {
		return err
	}
	if change.Agent {
		return errAgentHasNoToken
	}
	_, err := b.users.get(change.Requester)
	return err
}
