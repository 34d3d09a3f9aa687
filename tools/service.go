package tools

import (
	"context"
	"encoding/json"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// Config configures a Desk.
type Config struct {
	Reader      *defender.Client
	Gate        *confirm.Gate // may be nil: then get_change and withdraw_change are refused
	Credentials map[string]Credential
	Policy      confirm.Policy   // the caps
	Target      string           // the tenant's name: bound into every proposal
	Now         func() time.Time // nil means time.Now
	// PerCaller keeps what Defender lists apart for each person: set it where reads run on behalf of users.
	PerCaller bool
}

// Service plans and reads. Make one with NewDesk; it is safe for concurrent use.
type Service struct {
	cfg  Config
	live *live
}

// NewService returns a desk; it makes no call.
func NewService(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg: cfg, live: newLive(cfg)}
}

// Propose plans a change for the requester, keeps it in the ledger, and returns it pending. It is the one way by which
// every interface proposes. What could never be confirmed is refused before Defender is read. An error is a *Refusal,
// one that wraps confirm.ErrRefused, the *defender.Error of a failed read, or a failure of the ledger.
func (d *Service) Propose(ctx context.Context, by confirm.Requester, operation string, args json.RawMessage) (confirm.Change, error) {
	if err := d.needGate(); err != nil {
		return confirm.Change{}, err
	}
	if err := d.cfg.Gate.CanPropose(ctx, operation, by); err != nil {
		return confirm.Change{}, err
	}
	plan, err := d.Plan(ctx, callerOf(by), operation, args)
	if err != nil {
		return confirm.Change{}, err
	}
	return d.cfg.Gate.Propose(ctx, plan, by)
}

// Plan turns the arguments of a proposing operation into a Proposal against live state, read on behalf of the caller.
// It keeps nothing. An error is a *Refusal, or the *defender.Error of a failed read.
func (d *Service) Plan(ctx context.Context, by Caller, operation string, args json.RawMessage) (confirm.Proposal, error) {
	op := findOperation(operation)
	if op == nil || op.plan == nil {
		return confirm.Proposal{}, refuse("", "there is no operation %s that changes scans", quoted(operation))
	}
	p, err := op.plan(ctx, d, by, args)
	if err != nil {
		return confirm.Proposal{}, err
	}
	return p, nil
}

// Call performs a reading or managing operation for the caller, and on their behalf, and returns its structured result.
func (d *Service) Call(ctx context.Context, by Caller, operation string, args json.RawMessage) (any, error) {
	op := findOperation(operation)
	if op == nil || op.call == nil {
		return nil, refuse("", "there is no operation %s that can be called without a person", quoted(operation))
	}
	return op.call(ctx, d, by, args)
}

// InvalidateCache makes the desk read Defender's lists anew. Call it after every executed change, or a plan made within
// seconds of one may be stale before anybody has seen it.
func (d *Service) InvalidateCache() {
	d.live.definitions.forget()
	d.live.scanners.forget()
}
