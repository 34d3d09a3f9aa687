package slackbot

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// hands is how much may be worked on at once. A tenant whose Defender hangs must not pile up work for ever.
	hands = 256
	// longest bounds one piece of work: the call budget may make a plan wait.
	longest = 3 * time.Minute
	// farewell is how long work in progress has to end when the bot stops.
	farewell = 5 * time.Second
)

// crew owns every goroutine that works after an acknowledgement.
type crew struct {
	slots chan struct{} // one for each piece of work
	ears  chan struct{} // one for each envelope that is being answered
	ctx   context.Context
	stop  context.CancelFunc

	mu      sync.Mutex
	closing bool
	working sync.WaitGroup
}

func newCrew() *crew {
	c := &crew{slots: make(chan struct{}, hands), ears: make(chan struct{}, 2*hands)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// start runs work in a goroutine of the crew's, with a bound on its time. It is false when there are too many
// already, or the bot is ending.
func (c *crew) start(work func(context.Context)) bool {
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
	c.working.Go(func() {
		defer func() { <-c.slots }()
		ctx, cancel := context.WithTimeout(c.ctx, longest)
		defer cancel()
		work(ctx)
	})
	return true
}

// end takes no more work, and waits a moment for what is in progress.
func (c *crew) end() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	late := time.AfterFunc(farewell, c.stop)
	defer late.Stop()
	c.working.Wait()
	c.stop()
}

// sayFailed is all that a person learns of a bug.
const sayFailed = "scanwarden failed inside, and nothing was sent because of it. An operator finds the cause in its log."

// sayBusy answers when there is more to do than can be done.
const sayBusy = "scanwarden is busy or restarting. Nothing was done; please try again in a moment."

// after works for t after the acknowledgement; a panic costs one answer. It is false when it cannot take the work.
func (b *Bot) after(t talk, work func(context.Context)) bool {
	return b.crew.start(func(ctx context.Context) {
		defer func() {
			if p := recover(); p != nil {
				b.cfg.Log.ErrorContext(ctx, "panic in Slack handler", "panic", p, "stack", string(debug.Stack()))
				b.tell(ctx, t, sayFailed)
			}
		}()
		work(ctx)
	})
}
