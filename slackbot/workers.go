package slackbot

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// maxConcurrent bounds the work in progress, so that requests cannot pile up while Defender hangs.
	maxConcurrent = 256
	// taskTimeout bounds one piece of work. The rate limit may make a plan wait that long.
	taskTimeout = 3 * time.Minute
	// shutdownTimeout is how long work in progress may go on when the bot stops.
	shutdownTimeout = 5 * time.Second
)

// workers is a bounded set of goroutines for work after an acknowledgement.
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
	w := &workers{slots: make(chan struct{}, maxConcurrent), ackSlots: make(chan struct{}, 2*maxConcurrent)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// start runs work in a goroutine, with a timeout. It returns false when maxConcurrent is reached or the workers are
// stopping.
func (w *workers) start(work func(context.Context)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return false
	}
	select {
	case w.slots <- struct{}{}:
	default:
		return false
	}
	w.running.Go(func() {
		defer func() { <-w.slots }()
		ctx, cancel := context.WithTimeout(w.ctx, taskTimeout)
		defer cancel()
		work(ctx)
	})
	return true
}

// stop accepts no more work and waits for the work in progress, which it cancels after shutdownTimeout.
func (w *workers) stop() {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	late := time.AfterFunc(shutdownTimeout, w.cancel)
	defer late.Stop()
	w.running.Wait()
	w.cancel()
}

// msgInternalError is the reply after a panic.
const msgInternalError = "scanwarden failed inside. What it had recorded before stays: look at the message of the change, or at your open changes, before you try again. An operator finds the cause in its log."

// msgBusy is the reply when no worker is free.
const msgBusy = "scanwarden is busy or restarting. Nothing was done; please try again in a moment."

// runAsync runs work after the acknowledgement. A panic ends only this work, with a reply. It returns false if no
// worker is free.
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
