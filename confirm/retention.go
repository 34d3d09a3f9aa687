package confirm

import (
	"context"
	"fmt"
	"time"
)

const (
	// removalBatch bounds how many changes one round of recovery removes, and so how long it delays the rest.
	removalBatch = 256
	// removalInterval is the time between two passes that find nothing more to remove.
	removalInterval = time.Hour
)

// Ended selects changes that have ended, and says when they are removed.
type Ended struct {
	Target string
	Before time.Time // the changes ended before this time
	At     time.Time // when they are removed
	After  string    // the id of the last change of the batch before; "" for the first batch
	Limit  int
}

// Removal is what one batch has removed.
type Removal struct {
	Changes int
	Altered []error // an ErrTampered for each change that was kept, because it has not ended as its row says
	Next    string  // Ended.After of the next batch; "" if this was the last
}

// retentionPass removes changes that ended longer ago than Config.Retention, a batch at a time.
type retentionPass struct {
	gate  *Gate
	next  time.Time // nothing is done before
	after string    // the id of the last change that this pass has looked at
}

// removeBatch removes at most removalBatch changes, if a pass is due and this process holds the recovery lease. Their
// audit entries stay.
func (p *retentionPass) removeBatch(ctx context.Context) error {
	cfg := p.gate.cfg
	now := cfg.Now()
	if cfg.Retention <= 0 || now.Before(p.next) {
		return nil
	}
	held, err := cfg.Store.AcquireLease(ctx, recoveryLease, p.gate.owner, now, now.Add(2*leaseDuration))
	if err != nil {
		return err
	}
	if !held && err == nil {
		p.next = now.Add(time.Minute)
		return nil
	}
	var removed Removal
	if err == nil {
		removed, err = cfg.Store.RemoveEnded(ctx, Ended{
			Target: cfg.Target, Before: now.Add(-cfg.Retention), At: now, After: p.after, Limit: removalBatch,
		})
	}
	for _, altered := range removed.Altered {
		_ = p.gate.report(ctx, altered) // the others are removed all the same
	}
	if err != nil {
		p.next = now.Add(time.Minute)
		return fmt.Errorf("remove old changes: %w", err)
	}
	if removed.Changes > 0 {
		cfg.Log.InfoContext(ctx, "removed changes that ended long ago; their audit entries stay", "changes", removed.Changes, "retention", cfg.Retention)
	}
	if p.after = removed.Next; p.after == "" {
		p.next = now.Add(removalInterval)
	}
	return nil
}
