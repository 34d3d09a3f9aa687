package slackbot

import (
	"sync"
	"time"
)

const (
	// headStart is how long other processes leave a change to the one that moved it.
	headStart = 5 * time.Second
	// attempt is how long they leave a posting alone that somebody has begun.
	attempt = 30 * time.Second
	// firstWait and longestWait bound the pauses between two attempts to post.
	firstWait, longestWait = time.Second, 30 * time.Second
	// recall is how long a process remembers that it moved a change.
	recall = time.Minute
)

// outbox is what this process knows of the messages that have still to be posted. It is a memory of effort
// only: what stands where is in the ledger.
type outbox struct {
	mu      sync.Mutex
	jobs    map[string]*posting
	moved   map[string]time.Time // changes that this process moved
	directs map[string]string    // conversations with one person, by their id
	silence time.Time            // Slack asked to be left alone until then
}

// posting is the effort to put one change to people.
type posting struct {
	tried   chan struct{}     // closed after the first attempt
	problem string            // of the latest attempt, for people
	next    time.Time         // when to try again
	wait    time.Duration     // after the next failure
	sent    map[string]string // messages by place that are posted but not yet in the ledger
}

func newOutbox() *outbox {
	return &outbox{jobs: map[string]*posting{}, moved: map[string]time.Time{}, directs: map[string]string{}}
}

// claim remembers that this process moved a change, so that it is the first to tell people.
func (o *outbox) claim(change string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moved[change] = now
}

// mine reports whether this process moved a change lately.
func (o *outbox) mine(change string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.moved[change]
	return ok
}

// job is the effort for a change, begun anew when there is none yet.
func (o *outbox) job(change string) *posting {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, ok := o.jobs[change]
	if !ok {
		p = &posting{tried: make(chan struct{}), wait: firstWait, sent: map[string]string{}}
		o.jobs[change] = p
	}
	return p
}

// forget drops what is not pending any more, and old memories.
func (o *outbox) forget(pending map[string]bool, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, at := range o.moved {
		if now.Sub(at) > recall && !pending[id] {
			delete(o.moved, id)
		}
	}
	for id := range o.jobs {
		if _, recent := o.moved[id]; !pending[id] && !recent {
			delete(o.jobs, id)
		}
	}
}

// due reports whether it is time to try.
func (o *outbox) due(p *posting, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !now.Before(p.next) && !now.Before(o.silence)
}

// quiet reports whether Slack has asked to be left alone.
func (o *outbox) quiet(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return now.Before(o.silence)
}

// hush leaves Slack alone for as long as it asked.
func (o *outbox) hush(now time.Time, d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if until := now.Add(d); until.After(o.silence) {
		o.silence = until
	}
}

// end records an attempt; problem is "" for a good one.
func (o *outbox) end(p *posting, problem string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p.problem = problem
	if problem != "" {
		p.next = now.Add(p.wait)
		p.wait = min(2*p.wait, longestWait)
	}
	select {
	case <-p.tried:
	default:
		close(p.tried)
	}
}

// outcome is the problem of the latest attempt.
func (o *outbox) outcome(p *posting) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return p.problem
}

// progress is what executing changes wait for, and which messages have to be made right at once.
type progress struct {
	mu    sync.Mutex
	notes map[string]string
}

func newProgress() *progress { return &progress{notes: map[string]string{}} }

func (p *progress) note(change, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notes[change] = text
}

// take returns what was noted since the last time.
func (p *progress) take() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	notes := p.notes
	p.notes = map[string]string{}
	return notes
}
