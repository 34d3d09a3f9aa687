package slackbot

import (
	"sync"
	"time"
)

const (
	// ownerHeadStart is how long other processes leave a change to the one that moved it.
	ownerHeadStart = 5 * time.Second
	// postLease is how long they leave a posting alone that somebody has begun.
	postLease = 30 * time.Second
	// minBackoff and longestWait bound the pauses between two attempts to post.
	minBackoff, maxBackoff = time.Second, 30 * time.Second
	// ownershipTTL is how long a process remembers that it moved a change.
	ownershipTTL = time.Minute
)

// postOutbox is what this process knows of the messages that have still to be posted. It is a memory of effort
// only: what stands where is in the ledger.
type postOutbox struct {
	mu          sync.Mutex
	jobs        map[string]*postJob
	owned       map[string]time.Time // changes that this process moved
	dms         map[string]string    // conversations with one person, by their id
	silentUntil time.Time            // Slack asked to be left alone until then
}

// postJob is the effort to put one change to people.
type postJob struct {
	tried   chan struct{}     // closed after the first attempt
	problem string            // of the latest attempt, for people
	nextTry time.Time         // when to try again
	backoff time.Duration     // after the next failure
	unsaved map[string]string // messages by place that are posted but not yet in the ledger
}

func newPostOutbox() *postOutbox {
	return &postOutbox{jobs: map[string]*postJob{}, owned: map[string]time.Time{}, dms: map[string]string{}}
}

// own remembers that this process moved a change, so that it is the first to tell people.
func (o *postOutbox) own(change string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.owned[change] = now
}

// owns reports whether this process moved a change lately.
func (o *postOutbox) owns(change string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.owned[change]
	return ok
}

// jobFor is the effort for a change, begun anew when there is none yet.
func (o *postOutbox) jobFor(change string) *postJob {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, ok := o.jobs[change]
	if !ok {
		p = &postJob{tried: make(chan struct{}), backoff: minBackoff, unsaved: map[string]string{}}
		o.jobs[change] = p
	}
	return p
}

// prune drops what is not pending any more, and old memories.
func (o *postOutbox) prune(pending map[string]bool, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, at := range o.owned {
		if now.Sub(at) > ownershipTTL && !pending[id] {
			delete(o.owned, id)
		}
	}
	for id := range o.jobs {
		if _, recent := o.owned[id]; !pending[id] && !recent {
			delete(o.jobs, id)
		}
	}
}

// isDue reports whether it is time to try.
func (o *postOutbox) isDue(p *postJob, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !now.Before(p.nextTry) && !now.Before(o.silentUntil)
}

// backingOff reports whether Slack has asked to be left alone.
func (o *postOutbox) backingOff(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return now.Before(o.silentUntil)
}

// backOff leaves Slack alone for as long as it asked.
func (o *postOutbox) backOff(now time.Time, d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if until := now.Add(d); until.After(o.silentUntil) {
		o.silentUntil = until
	}
}

// finish records an attempt; problem is "" for a good one.
func (o *postOutbox) finish(p *postJob, problem string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p.problem = problem
	if problem != "" {
		p.nextTry = now.Add(p.backoff)
		p.backoff = min(2*p.backoff, maxBackoff)
	}
	select {
	case <-p.tried:
	default:
		close(p.tried)
	}
}

// lastProblem is the problem of the latest attempt.
func (o *postOutbox) lastProblem(p *postJob) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return p.problem
}

// progressNotes is what executing changes wait for, and which messages have to be made right at once.
type progressNotes struct {
	mu    sync.Mutex
	notes map[string]string
}

func newProgressNotes() *progressNotes { return &progressNotes{notes: map[string]string{}} }

func (p *progressNotes) set(change, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notes[change] = text
}

// drain returns what was noted since the last time.
func (p *progressNotes) drain() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	notes := p.notes
	p.notes = map[string]string{}
	return notes
}
