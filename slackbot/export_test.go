package slackbot

import (
	"context"
	"log/slog"
	"time"
)

// SetSocketDelay sets the time between opening the two sockets.
func (b *Bot) SetSocketDelay(d time.Duration) { b.waits.socketDelay = d }

// SetSocketPauses sets the first pause before a socket that ended directly is opened again, and how long the second one is given up.
func (b *Bot) SetSocketPauses(first, givenUp time.Duration) {
	b.pacer.pause, b.pacer.givenUp = first, givenUp
}

// SetRefusedPause sets the time between two questions to Slack whether it accepts the app again.
func (b *Bot) SetRefusedPause(d time.Duration) { b.waits.refused = d }

// SetPollInterval sets the time between two rounds of notifyLoop.
func (b *Bot) SetPollInterval(d time.Duration) { b.waits.pollInterval = d }

// SetPostedWait sets how long a requester waits for the confirmation message.
func (b *Bot) SetPostedWait(d time.Duration) { b.waits.posted = d }

// SetPrefillWait sets how long a modal waits for its data.
func (b *Bot) SetPrefillWait(d time.Duration) { b.waits.prefill = d }

// WaitIdle returns when no work is in progress after its acknowledgement. It takes all slots: work that is requested
// meanwhile is refused.
func (b *Bot) WaitIdle() {
	for range cap(b.workers.slots) {
		b.workers.slots <- struct{}{}
	}
	for range cap(b.workers.slots) {
		<-b.workers.slots
	}
}

// NotifyOnce runs one round of posting, updating and reminding.
func (b *Bot) NotifyOnce(ctx context.Context) error { return b.notifyOnce(ctx) }

// NewSocketPauses returns a function that returns the pause before socket i is opened, and whether it is given up meanwhile.
func NewSocketPauses() func(i int, now time.Time) (time.Duration, bool) {
	p := newSocketPacer(slog.New(slog.DiscardHandler))
	return func(i int, now time.Time) (time.Duration, bool) {
		pause, _, spare := p.next(i, now)
		return pause, spare
	}
}
