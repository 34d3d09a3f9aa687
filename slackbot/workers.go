package slackbot

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// maxConcurrent is how much may be worked on at once. A tenant whose Defender hangs must not pile up work for ever.
	maxConcurrent = 256
	// taskTimeout bounds one piece of work: the call budget may make a plan wait.
	taskTimeout = 3 * time.Minute
	// shutdownTimeout is how long work in progress has to end when the bot stops.
	shutdownTimeout = 5 * time.Second
)

// workers owns every goroutine that works after an acknowledgement.
type workers struct {
	slots    chan struct{} // one for each piece of work
	ackSlots chan struct{} // one for each envelope that is being answered
	ctx      context.Context
	cancel   context.CancelFunc

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup
}

func newWorkers() *workers {
	c := &workers{slots: make(chan struct{}, maxConcurrent), ackSlots: make(chan struct{}, 2*maxConcurrent)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// start runs work in a goroutine of the crew's, with a bound on its time. It is false when there are too many
// already, or the bot is ending.
func (c *workers) start(work func(context.Context)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	select {
	case c.slots <- struct{}{}:
	default:
		return false
	}
	c.running.Go(func() {
		defer func() { <-c.slots }()
		ctx, cancel := context.WithTimeout(c.ctx, taskTimeout)
		defer cancel()
		work(ctx)
	})
	return true
}

// stop takes no more work, and waits a moment for what is in progress.
func (c *workers) stop() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	late := time.AfterFunc(shutdownTimeout, c.cancel)
	defer late.Stop()
	c.running.Wait()
	c.cancel()
}

// msgInternalError is all that a person learns of a bug.
const msgInternalError = "scanwarden failed inside, and nothing was sent because of it. An operator finds the cause in its log."

// msgBusy answers when there is more to do than can be done.
const msgBusy = "scanwarden is busy or restarting. Nothing was done; please try again in a moment."

// runAsync works for t after the acknowledgement; a panic costs one answer. It is false when it cannot take the work.
func (b *Bot) runAsync(req request, work func(context.Context)) bool {
	return b.workers.start(func(ctx context.Context) {
		defer func() {
			if p := recover(); p != nil {
				b.cfg.Log.ErrorContext(ctx, "panic in Slack handler", "panic", p, "stack", string(debug.Stack()))
				b.replyText(ctx, req, msgInternalError)
			}
		}()
		work(ctx)
	})
}
