package slackbot

import (
	"context"
	"time"
)

// SetSocketDelay makes the second socket open so much after the first one.
func (b *Bot) SetSocketDelay(d time.Duration) { b.socketDelay = d }

// Working is how much work is in progress after its acknowledgement.
func (b *Bot) Working() int { return len(b.workers.slots) }

// Portions is how text is split over text objects.
func Portions(text string) []string { return splitText(text) }

// Words takes a command's text apart, as name and value.
func Words(text string) (out [][2]string, err error) {
	all, err := SplitArguments(text)
	for _, p := range all {
		out = append(out, [2]string{p.Name, p.Value})
	}
	return out, err
}

// NotifyOnce is one round of posting and rewriting.
func (b *Bot) NotifyOnce(ctx context.Context) error { return b.notifyOnce(ctx) }
