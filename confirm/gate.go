package confirm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Config configures a Gate.
type Config struct {
	Store  Store
	Policy Policy
	Target string // the tenant this process writes to: changes planned for another one are left alone
	// Execute performs an approved change once and reports how it ended; it never repeats a write. Directly
	// before it sends, it calls still and sends nothing on an error. Nil makes the process read-only: it takes
	// neither proposals nor votes.
	Execute func(ctx context.Context, c Change, still func(context.Context) error) Outcome
	// CanExecute says nil when this process can execute an approved change now, and otherwise why not, in words for people:
	// then it does not claim it, but leaves it to another process, until it expires. A proposal is asked about as well,
	// by its Requester and Agent alone, and refused. It answers at once. Nil means that it always can.
	CanExecute func(ctx context.Context, c Change) error
	// Reconcile reads Defender to learn how a change of unknown outcome ended. Its verdict is Applied,
	// Failed (there is no trace of it) or Unknown.
	Reconcile    func(ctx context.Context, c Change) Outcome
	OnTransition func(c Change)   // told of every transition this process makes; nil means nobody is
	Log          *slog.Logger     // nil means silence
	Now          func() time.Time // nil means time.Now
}

// Gate decides what runs, and sees to it that it runs once. Make one with New; it is safe for concurrent use.
type Gate struct {
	cfg     Config
	owner   string // names this process in claims and leases
	running sync.WaitGroup

	mu         sync.Mutex
	transition chan struct{}          // closed, and made anew, at each move
	retries    map[string]retryState  // when to read again for a change of unknown outcome
	reserved   map[Principal][]string // the ids of changes that are being kept at this moment
	skipped    map[string]time.Time   // the ids of changes that are left to other processes, and when each expires
}

// New returns a Gate over a ledger. It starts nothing: Run does the recovery.
func New(cfg Config) *Gate {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Gate{
		cfg: cfg, owner: rand.Text(), transition: make(chan struct{}), retries: map[string]retryState{},
		reserved: map[Principal][]string{}, skipped: map[string]time.Time{},
	}
}

// Change returns a change as it stands now; one that is overdue is expired first.
func (g *Gate) Change(ctx context.Context, id string) (Change, error) {
	c, err := g.cfg.Store.Change(ctx, id)
	if err != nil {
		return Change{}, fmt.Errorf("read change: %w", err)
	}
	if now := g.cfg.Now(); c.State == Pending && !c.Expires.After(now) {
		return g.expire(ctx, c, "nobody decided in time")
	}
	return c, nil
}

// Wait returns the change as soon as it is no longer open, or as it stands when ctx ends. Other processes'
// moves are noticed within a second.
func (g *Gate) Wait(ctx context.Context, id string) (Change, error) {
	for {
		signal := g.nextTransition()
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

func (g *Gate) nextTransition() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.transition
}

// broadcast wakes whoever waits and tells the observer.
func (g *Gate) broadcast(c Change) {
	g.mu.Lock()
	close(g.transition)
	g.transition = make(chan struct{})
	g.mu.Unlock()
	if g.cfg.OnTransition != nil {
		g.cfg.OnTransition(c)
	}
}

// move is the one way a change leaves the state it was read in.
func (g *Gate) move(ctx context.Context, c Change, m Move) (Change, error) {
	m.At = g.cfg.Now()
	after, err := g.cfg.Store.Move(ctx, c, m)
	if err != nil {
		return c, fmt.Errorf("move change from %s to %s: %w", c.State, m.To, err)
	}
	g.broadcast(after)
	return after, nil
}

// expire ends a change that nobody may run any more. Whoever was faster is right: their state is returned.
func (g *Gate) expire(ctx context.Context, c Change, why string) (Change, error) {
	after, err := g.move(ctx, c, Move{To: Expired, Outcome: &Outcome{State: Expired, Reason: why}})
	if errors.Is(err, ErrMoved) {
		return g.cfg.Store.Change(ctx, c.ID)
	}
	return after, err
}

// checkWritable refuses where nothing could be carried out.
func (g *Gate) checkWritable() error {
	if g.cfg.Execute == nil {
		return asRefusal(errors.New("this server is read-only; ask on one that is not"))
	}
	return nil
}

// asRefusal marks err as a refusal while keeping its sentence as it is.
func asRefusal(err error) error { return kindError{err, ErrRefused} }

// kindError is an error with a sentence of its own, which errors.Is finds to be of a kind.
type kindError struct {
	error
	kind error
}

func (m kindError) Is(target error) bool { return target == m.kind }
func (m kindError) Unwrap() error        { return m.error }
