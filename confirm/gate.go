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
	// Key is the server key, of at least 32 bytes. Keys derived from it authenticate what the Gate reads from the ledger,
	// so that write access to the database authorizes nothing. Processes that share a ledger must share it. Without a
	// key the Gate makes a random one, and accepts nothing that another process or an earlier run has recorded.
	Key []byte
	// Execute sends an approved change once and returns how it ended. It never repeats a write. Directly before it
	// sends, it calls beforeSend, and on an error it sends nothing. Nil makes the process read-only: it accepts
	// neither proposals nor votes.
	Execute func(ctx context.Context, c Change, beforeSend BeforeSend) Outcome
	// VoteOnly makes a process that takes votes and does nothing else: it refuses proposals, and executes and recovers
	// nothing. Execute and Reconcile are ignored. The process that claims an approved change checks all of it again. An
	// empty Target then means the changes of every tenant.
	VoteOnly bool
	// CanExecute returns nil if this process can execute c now. A non-nil error is shown to users. The approved
	// change then stays approved until it expires, so that another replica can claim it; a proposal is refused. For
	// a proposal only Requester and Agent of c are set. CanExecute must not block. Nil means that it always can.
	CanExecute func(ctx context.Context, c Change) error
	// CheckApproval returns why this process cannot take the vote that completes the approval of c, for users: for want of a
	// credential that the approver has to type, which no other process would have either. Nil means that it takes all.
	CheckApproval func(c Change) error
	// Reconcile reads Defender to find out how a change of unknown outcome ended. It returns Applied,
	// Failed (there is no trace of it) or Unknown.
	Reconcile func(ctx context.Context, c Change) Outcome
	// Standing checks at the claim whether the source of an approver's rights still grants them: it may ask Slack about
	// a user and their groups (Decision.Principal and Groups). An error means that the approval does not count. An error
	// that matches ErrUnavailable means that this cannot be known now: the change stays approved and is claimed later,
	// until it expires. It is called for each approval that the policy counts, in any order. Nil accepts all.
	Standing func(ctx context.Context, d Decision) error
	// ChannelProblem returns why no approver can be asked on a channel now, and what to do, for users; "" if one can. A proposal
	// leaves such a channel out, and is refused if it has no other. Nil means that every channel works.
	ChannelProblem func(c Channel) string
	// ContextPage returns the address of the page of a change on which people sign in to Microsoft with an authentication
	// context. It is shown to people only. Nil means that there is no such page: a change for which a rule requires a
	// context is refused.
	ContextPage func(change string) string
	// OnTampering is called once for each record of the ledger that does not verify; may be nil.
	OnTampering func(Tampering)
	// Retention is how long a change is kept after it has ended. Then only its audit entries stay. Zero keeps all.
	Retention    time.Duration
	OnTransition func(c Change)   // called after every transition that this process makes; may be nil
	Log          *slog.Logger     // nil discards all
	Now          func() time.Time // nil means time.Now
}

// Gate decides which changes are executed, and ensures that each is executed at most once. Create one with New.
// It is safe for concurrent use.
type Gate struct {
	cfg     Config
	mac     recordMAC
	owner   string // identifies this process in claims and leases
	running sync.WaitGroup

	mu       sync.Mutex
	watches  map[string]*watch           // by change id: the Wait calls
	retries  map[string]retryState       // by change id: when to read Defender again for an unknown outcome
	reserved map[Principal][]reservation // by requester: the changes that are being inserted now
	skipped  map[string]time.Time        // by id of a change that is left to other processes: its expiry
	runs     map[string]bool             // by id: the changes that this process claims or executes now
	reported map[Tampering]bool          // what was reported before
	blocked  map[string]blockedChange    // by id of a change that does not verify
	awaited  map[string]time.Time        // by id of a change that was proposed here and asked in a terminal: its expiry

	stop     sync.Once
	stopping chan struct{} // closed by Drain: changes that wait for their turn are left to other processes
}

// New returns a Gate that keeps changes in cfg.Store. It starts nothing; Run does the recovery.
func New(cfg Config) *Gate {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.VoteOnly {
		cfg.Execute, cfg.Reconcile = nil, nil
	}
	return &Gate{
		cfg: cfg, mac: newRecordMAC(cfg.Key), owner: rand.Text(), watches: map[string]*watch{}, retries: map[string]retryState{},
		reserved: map[Principal][]reservation{}, skipped: map[string]time.Time{},
		reported: map[Tampering]bool{}, blocked: map[string]blockedChange{}, awaited: map[string]time.Time{},
		runs: map[string]bool{}, stopping: make(chan struct{}),
	}
}

// Change returns the current change with this id, or ErrNotFound. A pending change past its expiry is expired first. It
// returns ErrTampered, and nothing of the row, for a change that does not verify.
func (g *Gate) Change(ctx context.Context, id string) (Change, error) {
	c, err := g.cfg.Store.Change(ctx, id)
	if err != nil {
		return Change{}, fmt.Errorf("read change: %w", err)
	}
	if err := g.report(ctx, g.mac.verifyRow(c)); err != nil {
		return Change{}, err
	}
	if now := g.cfg.Now(); c.State == Pending && !c.Expires.After(now) {
		return g.expire(ctx, c, reasonUndecided)
	}
	return c, nil
}

// move performs one transition and returns the change after it. No transition happens in any other way.
func (g *Gate) move(ctx context.Context, c Change, m Move) (Change, error) {
	m.At = g.cfg.Now()
	if m.Outcome != nil {
		sealed := g.mac.sealOutcome(c, *m.Outcome)
		m.Outcome = &sealed
	}
	after, err := g.cfg.Store.Move(ctx, c, m)
	if errors.Is(err, ErrUnknownCommit) {
		return c, &UnknownCommitError{c.ID, err}
	}
	if err != nil {
		return c, fmt.Errorf("move change from %s to %s: %w", c.State, m.To, g.report(ctx, err))
	}
	g.broadcast(after)
	return after, nil
}

// reasonUndecided is the Outcome.Reason of a change that expired while it was pending.
const reasonUndecided = "nobody decided in time"

// expire ends a change after its expiry. If another caller moved it first, expire returns the change as that caller
// left it.
func (g *Gate) expire(ctx context.Context, c Change, why string) (Change, error) {
	after, err := g.move(ctx, c, Move{To: Expired, Outcome: &Outcome{State: Expired, Reason: why}})
	if errors.Is(err, ErrMoved) {
		if after, err = g.cfg.Store.Change(ctx, c.ID); err == nil {
			err = g.report(ctx, g.mac.verifyRow(after))
		}
	}
	return after, err
}

// asRefusal returns err marked as ErrRefused, with its text unchanged.
func asRefusal(err error) error { return kindError{err, ErrRefused} }

// kindError is an error with its own text that errors.Is also matches with kind.
type kindError struct {
	error
	kind error
}

func (e kindError) Is(target error) bool { return target == e.kind }
func (e kindError) Unwrap() error        { return e.error }
