package confirm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Config configures a Gate.
type Config struct {
	Ledger Ledger
	Policy Policy
	Target string // the tenant this process writes to: changes planned for another one are left alone
	// Execute performs an approved change once and reports how it ended; it never repeats a write. Directly
	// before it sends, it calls still and sends nothing on an error.
	Execute func(ctx context.Context, c Change, still func(context.Context) error) Outcome
	// Reconcile reads Defender to learn how a change of unknown outcome ended. Its verdict is Applied,
	// Failed (there is no trace of it) or Unknown.
	Reconcile func(ctx context.Context, c Change) Outcome
	Moved     func(c Change)   // told of every transition this process makes; nil means nobody is
	Log       *slog.Logger     // nil means silence
	Now       func() time.Time // nil means time.Now
}

// Gate decides what runs, and sees to it that it runs once. Make one with New; it is safe for concurrent use.
type Gate struct {
	cfg     Config
	owner   string // names this process in claims and leases
	running sync.WaitGroup

	mu        sync.Mutex
	moved     chan struct{}          // closed, and made anew, at each move
	recheck   map[string]reconcile   // when to read again for a change of unknown outcome
	proposing map[Principal][]string // the ids of changes that are being kept at this moment
}

// New returns a Gate over a ledger. It starts nothing: Run does the recovery.
func New(cfg Config) *Gate {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Gate{cfg: cfg, owner: rand.Text(), moved: make(chan struct{}), recheck: map[string]reconcile{}, proposing: map[Principal][]string{}}
}

// MayPropose refuses, with ErrRefused, what nobody could ever confirm, or what would bury people under
// questions. A face asks it before it plans; Propose asks it again.
func (g *Gate) MayPropose(ctx context.Context, operation string, by Asker) error {
	if err := g.cfg.Policy.reachable(operation, by); err != nil {
		return refused(err)
	}
	return g.checkOpen(ctx, by.Principal, nil)
}

// Propose keeps a change so that people can be asked, and returns it pending. When it refuses, it keeps nothing.
func (g *Gate) Propose(ctx context.Context, p Proposal, by Asker) (Change, error) {
	if err := g.cfg.Policy.reachable(p.Operation, by); err != nil {
		return Change{}, refused(err)
	}
	now := g.cfg.Now()
	id, err := newID(now, rand.Reader)
	if err != nil {
		return Change{}, err
	}
	others, done := g.queue(by.Principal, id)
	defer done()
	if err := g.checkOpen(ctx, by.Principal, others); err != nil {
		return Change{}, err
	}
	if err := g.warnOfTwin(ctx, &p, id); err != nil {
		return Change{}, err
	}
	digest, err := p.Digest()
	if err != nil {
		return Change{}, err
	}
	c := Change{
		ID: id, Code: newCode(), Proposal: p, Digest: digest,
		Requester: by.Principal, Via: by.Via, Local: by.Local, Channels: g.cfg.Policy.useful(by),
		Created: now, Updated: now, Expires: now.Add(g.cfg.Policy.expires()),
		State: Pending, Needed: g.cfg.Policy.required(p.Operation),
	}
	if err := g.cfg.Ledger.Insert(ctx, c); err != nil {
		return Change{}, fmt.Errorf("keep change: %w", err)
	}
	g.announce(c)
	return c, nil
}

// warnOfTwin tells people when the very same change is already open: a client that gave up waiting may have
// asked again, and confirming both would do it twice.
func (g *Gate) warnOfTwin(ctx context.Context, p *Proposal, id string) error {
	twin, err := g.twin(ctx, Change{ID: id, Proposal: *p}, nil)
	if err == nil && twin != "" {
		p.Warnings = append([]string{"the very same change is already open (" + twin + "): confirm only one of them"}, p.Warnings...)
	}
	return err
}

// queue puts a proposal among those of its requester that are being kept at this moment, and returns the
// others: many at once must not slip past the limit together.
func (g *Gate) queue(by Principal, id string) (others []string, done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	others = slices.Clone(g.proposing[by])
	g.proposing[by] = append(g.proposing[by], id)
	return others, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		left := slices.DeleteFunc(g.proposing[by], func(other string) bool { return other == id })
		if g.proposing[by] = left; len(left) == 0 {
			delete(g.proposing, by)
		}
	}
}

// checkOpen refuses when the requester has too many changes open; of the others it is not known yet whether
// they are in the ledger.
func (g *Gate) checkOpen(ctx context.Context, by Principal, others []string) error {
	limit, now := g.cfg.Policy.openPerRequester(), g.cfg.Now()
	open, err := g.cfg.Ledger.Changes(ctx, Filter{States: []State{Pending}, Requester: by, Limit: 2 * limit})
	if err != nil {
		return fmt.Errorf("count open changes: %w", err)
	}
	waiting := len(others)
	for _, c := range open {
		if c.Expires.After(now) && !slices.Contains(others, c.ID) {
			waiting++
		}
	}
	if waiting >= limit {
		return refused(fmt.Errorf("%d changes of yours already wait for a person; have them decided, or withdraw some", waiting))
	}
	return nil
}

// Change returns a change as it stands now; one that is overdue is expired first.
func (g *Gate) Change(ctx context.Context, id string) (Change, error) {
	c, err := g.cfg.Ledger.Change(ctx, id)
	if err != nil {
		return Change{}, fmt.Errorf("read change: %w", err)
	}
	if now := g.cfg.Now(); c.State == Pending && !c.Expires.After(now) {
		return g.expire(ctx, c, "nobody decided in time")
	}
	return c, nil
}

// Own reports whether a change was asked for by this person, by whichever principal of theirs.
func (g *Gate) Own(c Change, by Principal) bool { return g.cfg.Policy.samePerson(c.Requester, by) }

// OpenChanges lists the changes of one person that are not settled yet, newest first.
func (g *Gate) OpenChanges(ctx context.Context, by Principal) ([]Change, error) {
	var open []Change
	now, states := g.cfg.Now(), []State{Pending, Approved, Executing, Unknown}
	for _, principal := range g.cfg.Policy.person(by).Principals {
		kept, err := g.cfg.Ledger.Changes(ctx, Filter{States: states, Requester: principal})
		if err != nil {
			return nil, fmt.Errorf("list open changes: %w", err)
		}
		for _, c := range kept {
			if c.State != Pending || c.Expires.After(now) {
				open = append(open, c)
			}
		}
	}
	slices.SortStableFunc(open, func(a, b Change) int { return b.Created.Compare(a.Created) })
	return open, nil
}

// Wait returns the change as soon as it is no longer open, or as it stands when ctx ends. Other processes'
// moves are noticed within a second.
func (g *Gate) Wait(ctx context.Context, id string) (Change, error) {
	for {
		signal := g.signal()
		c, err := g.Change(context.WithoutCancel(ctx), id)
		if err != nil || !c.State.Open() {
			return c, err
		}
		poll := time.NewTimer(min(time.Second, max(0, c.Expires.Sub(g.cfg.Now()))+time.Millisecond))
		select {
		case <-signal:
		case <-poll.C:
		case <-ctx.Done():
			poll.Stop()
			return c, nil
		}
		poll.Stop()
	}
}

func (g *Gate) signal() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.moved
}

// announce wakes whoever waits and tells the observer.
func (g *Gate) announce(c Change) {
	g.mu.Lock()
	close(g.moved)
	g.moved = make(chan struct{})
	g.mu.Unlock()
	if g.cfg.Moved != nil {
		g.cfg.Moved(c)
	}
}

// move is the one way a change leaves the state it was read in.
func (g *Gate) move(ctx context.Context, c Change, m Move) (Change, error) {
	m.At = g.cfg.Now()
	after, err := g.cfg.Ledger.Move(ctx, c, m)
	if err != nil {
		return c, fmt.Errorf("move change from %s to %s: %w", c.State, m.To, err)
	}
	g.announce(after)
	return after, nil
}

// expire ends a change that nobody may run any more. Whoever was faster is right: their state is returned.
func (g *Gate) expire(ctx context.Context, c Change, why string) (Change, error) {
	after, err := g.move(ctx, c, Move{To: Expired, Outcome: &Outcome{State: Expired, Reason: why}})
	if errors.Is(err, ErrMoved) {
		return g.cfg.Ledger.Change(ctx, c.ID)
	}
	return after, err
}

// refused marks err as a refusal while keeping its sentence as it is.
func refused(err error) error { return refusal{err} }

type refusal struct{ error }

func (r refusal) Is(target error) bool { return target == ErrRefused }
func (r refusal) Unwrap() error        { return r.error }
