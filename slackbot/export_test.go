package slackbot

import (
	"context"
	"time"
)

// SetSocketDelay makes the second socket open so much after the first one.
func (b *Bot) SetSocketDelay(d time.Duration) { b.socketDelay = d }

// Working is how much work is in progress after its acknowledgement.
func (b *Bot) Working() int { return len(b.workers.slots) }

// NotifyOnce is one round of posting and rewriting.
func (b *Bot) NotifyOnce(ctx context.Context) error { return b.notifyOnce(ctx) }
