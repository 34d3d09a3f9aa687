package slackbot

import (
	"context"
	"time"
)

// SetStagger makes the second socket open so much after the first one.
func (b *Bot) SetStagger(d time.Duration) { b.stagger = d }

// Working is how much work is in progress after its acknowledgement.
func (b *Bot) Working() int { return len(b.crew.slots) }

// Portions is how text is split over text objects.
func Portions(text string) []string { return portions(text) }

// Words takes a command's text apart, as name and value.
func Words(text string) (out [][2]string, err error) {
	all, err := pairs(text)
	for _, p := range all {
		out = append(out, [2]string{p.name, p.value})
	}
	return out, err
}

// CatchUp is one round of posting and rewriting.
func (b *Bot) CatchUp(ctx context.Context) error { return b.catchUp(ctx) }
