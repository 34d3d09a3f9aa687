package slackbot

import (
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"scanwarden/confirm"
)

const (
	// ownerHeadStart is how long other processes leave a change to the process that made its last transition.
	ownerHeadStart = 5 * time.Second
	// postLease is how long they leave a post alone that a process has begun.
	postLease = 30 * time.Second
	// minBackoff and maxBackoff bound the wait between two attempts to post.
	minBackoff, maxBackoff = time.Second, 30 * time.Second
	// updatePause is how long a message is left alone after Slack has refused to update it.
	updatePause = 5 * time.Second
	// recheckPosted is how long a change that is posted everywhere is left alone. Then its channels are looked up again:
	// there may be new approvers.
	recheckPosted = 10 * time.Second
	// ownershipTTL is how long a process remembers that it made a transition.
	ownershipTTL = time.Minute
)

// postOutbox holds what this process knows about posts that are due. It decides when to retry; what was posted where
// is in the store.
type postOutbox struct {
	dms  *lru.Cache[string, string]        // direct message channels, by user ID
	left *lru.Cache[string, cached[error]] // users to whom Slack opens no direct messages, for userCacheTTL

	failed *lru.Cache[string, time.Time] // when a message may be updated again after a failure, by change and channel

	mu          sync.Mutex
	jobs        map[string]*postJob
	owned       map[string]time.Time // changes of which this process made the last transition
	silentUntil time.Time            // Slack asked for no calls until then
}

// postJob is the state of posting one change.
type postJob struct {
	tried   chan struct{} // closed after the first attempt
	problem string        // of the latest attempt, for users; "" if enough approvers were asked
	partly  string        // how many approvers were asked, if not all; "" otherwise
	posted  bool          // the latest attempt left a message in each channel
	nextTry time.Time
	backoff time.Duration     // after the next failure
	unsaved map[string]string // posted messages, by channel, that are not in the store yet

	reminded bool // the approvers were reminded; only notifyLoop uses it
}

// attempt is the result of an attempt to post a change.
type attempt struct {
	problem  string        // for users; "" if enough approvers were asked
	complete bool          // there is a message at each destination, except for those that failed
	reached  []destination // where there is a message
	failed   int           // approvers and channels that could not be reached
}

// partly returns how many approvers were asked, if some could not be. It returns "" if all were, or there is a channel.
func (a attempt) partly() string {
	if a.failed == 0 || len(a.reached) == 0 || a.reached[0].user == "" {
		return ""
	}
	return fmt.Sprintf("%d of %d approvers could be asked in Slack.", len(a.reached), len(a.reached)+a.failed)
}

func newPostOutbox() *postOutbox {
	return &postOutbox{jobs: map[string]*postJob{}, owned: map[string]time.Time{}, dms: newCache[string](userCacheSize), left: newCache[cached[error]](userCacheSize),
		failed: newCache[time.Time](userCacheSize)}
}

// own records that this process made the last transition of a change, so that it posts before other processes do.
func (o *postOutbox) own(change string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.owned[change] = now
}

// owns reports whether this process recently made the last transition of a change.
func (o *postOutbox) owns(change string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.owned[change]
	return ok
}

// jobFor returns the job of a change, and creates it if there is none.
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

// prune drops the jobs of changes that are no longer pending, and expired ownership.
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

// isDue reports whether a job may be tried now.
func (o *postOutbox) isDue(p *postJob, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !now.Before(p.nextTry) && !now.Before(o.silentUntil)
}

// backingOff reports whether Slack has asked for no calls now.
func (o *postOutbox) backingOff(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return now.Before(o.silentUntil)
}

// backOff stops calls for d, as Slack asked.
func (o *postOutbox) backOff(now time.Time, d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if until := now.Add(d); until.After(o.silentUntil) {
		o.silentUntil = until
	}
}

// delayUpdate makes the next update of a message wait, because Slack has refused the last one.
func (o *postOutbox) delayUpdate(msg confirm.Message, now time.Time) {
	o.failed.Add(msg.Change+" "+msg.Channel, now.Add(updatePause))
}

// isUpdateDelayed reports whether a message must not be updated yet.
func (o *postOutbox) isUpdateDelayed(msg confirm.Message, now time.Time) bool {
	until, ok := o.failed.Get(msg.Change + " " + msg.Channel)
	return ok && now.Before(until)
}

// finish records an attempt. After a problem the next attempt waits twice as long.
func (o *postOutbox) finish(p *postJob, result attempt, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p.problem, p.partly, p.posted = result.problem, result.partly(), result.problem == "" && result.complete
	switch {
	case result.problem != "":
		p.nextTry = now.Add(p.backoff)
		p.backoff = min(2*p.backoff, maxBackoff)
	case result.complete:
		p.nextTry = now.Add(recheckPosted)
	}
	select {
	case <-p.tried:
	default:
		close(p.tried)
	}
}

// isPosted reports whether the latest attempt left a message in each channel.
func (o *postOutbox) isPosted(p *postJob) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return p.posted
}

// lastProblem returns the problem of the latest attempt and how many approvers it asked, as postJob has them.
func (o *postOutbox) lastProblem(p *postJob) (problem, partly string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return p.problem, p.partly
}

// progressNotes holds the progress of executing changes, and which messages must be updated in the next round.
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

// drain returns the notes since the last call.
func (p *progressNotes) drain() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	notes := p.notes
	p.notes = map[string]string{}
	return notes
}
