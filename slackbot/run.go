package slackbot

import (
	"context"
	"time"

	"scanwarden/confirm"
)

// refusedAdvice is what an operator has to know after Slack has refused the app.
const refusedAdvice = "Slack is asked again every minute; only new tokens need a restart of the server."

// Serve calls Run until ctx is done, and then waits for work in progress. While Slack refuses the app, it asks again every minute
// and goes on when Slack accepts it. Serve can be called once.
func (b *Bot) Serve(ctx context.Context) {
	defer b.workers.stop()
	for {
		err := b.Run(ctx)
		if err == nil {
			return
		}
		b.cfg.Log.ErrorContext(ctx, "Slack is no longer served; the rest goes on. "+refusedAdvice, "error", err)
		if !b.waitAccepted(ctx) {
			return
		}
		select {
		case <-b.fatal: // of a second socket
		default:
		}
		b.ended.Store(nil)
		b.cfg.Log.InfoContext(ctx, "Slack accepts the app again and is served")
	}
}

// waitAccepted waits until Slack accepts the app. It returns false when ctx ends first.
func (b *Bot) waitAccepted(ctx context.Context) bool {
	tick := time.NewTicker(b.waits.refused)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
		if b.checkAccepted(ctx) == nil {
			return true
		}
	}
}

// checkAccepted asks Slack for the workspace and, in socket mode, for a socket. It returns the error of the first call that fails.
func (b *Bot) checkAccepted(ctx context.Context) error {
	b.users.forgetWorkspace()
	if _, err := b.users.workspace(ctx); err != nil {
		return err
	}
	if b.cfg.AppToken.Empty() {
		return nil
	}
	_, _, err := b.api.StartSocketModeContext(ctx)
	return newCallError(methodOpenSocket, "", err)
}

// Run serves until ctx is done, and then waits for work in progress. It keeps the socket connections in socket mode,
// and in both modes posts, updates and reminds. It returns an error only when Slack will not accept the tokens, which only
// auth.test and apps.connections.open can tell; the error contains what to do. Problem then returns it as well, and each
// change that waits in Slack shows it. After an error Run may be called again.
func (b *Bot) Run(ctx context.Context) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		if err == nil {
			b.workers.stop()
		}
	}()
	defer stop()
	if !b.cfg.AppToken.Empty() {
		defer b.runSockets(ctx)()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.notifyLoop(ctx)
	}()
	defer func() { stop(); <-done }()
	select {
	case err := <-b.fatal:
		b.end(ctx, err)
		return err
	case <-ctx.Done():
		return nil
	}
}

// Problem returns why Slack is no longer served and what an operator has to do, in one or two sentences. It returns "" while Slack
// is served.
func (b *Bot) Problem() string {
	if why := b.ended.Load(); why != nil {
		return *why
	}
	return ""
}

// end records why Slack is no longer served, and shows it in each pending change for which Slack is a channel.
func (b *Bot) end(ctx context.Context, cause error) {
	why := "Slack cannot be used: " + withPeriod(cause.Error()) + " " + refusedAdvice
	b.ended.Store(&why)
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	back, err := b.cfg.Backend(ctx)
	if err == nil && !b.isReadOnly() {
		err = back.Gate.EachChange(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}}, func(c confirm.Change) error {
			if !isForSlack(c) {
				return nil
			}
			return back.Gate.SetProblem(ctx, c.ID, why)
		})
	}
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "failed to show in the open changes that Slack cannot be used", "error", err)
	}
}

// stopIfFatal ends Run when err is an error of auth.test or apps.connections.open that only an operator can fix.
func (b *Bot) stopIfFatal(err error) {
	if why := fatalError(err); why != nil {
		select {
		case b.fatal <- why:
		default: // Run is ending already
		}
	}
}
