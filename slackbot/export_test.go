package slackbot

import (
	"context"
	"time"
)

// SetSocketDelay sets the time between opening the two sockets.
func (b *Bot) SetSocketDelay(d time.Duration) { b.waits.socketDelay = d }

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
