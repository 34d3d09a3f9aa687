package tools

import (
	"context"
	"encoding/json"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// Config configures a Service.
type Config struct {
	Reader      *defender.Client
	Gate        *confirm.Gate // nil refuses get_change, withdraw_change and every proposal
	Credentials map[string]Credential
	Policy      confirm.Policy   // its caps limit what is planned
	Target      string           // the tenant's name, part of every proposal
	Now         func() time.Time // nil means time.Now
	// PerCaller keeps the lists that Defender returns apart for each caller. Set it where reads run on behalf of
	// users.
	PerCaller bool
}

// Service plans, proposes and reads. Make one with NewService. It is safe for concurrent use.
type Service struct {
	cfg     Config
	live    *liveData
	planner *Service // the same with reads that have the priority of plans; nil in itself
}

// NewService returns a Service. It makes no call.
func NewService(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	live := newLiveData(cfg)
	return &Service{cfg: cfg, live: live, planner: &Service{cfg: cfg, live: live.forPlans()}}
}

// Propose plans a change for the requester, records it, and returns it pending. Every interface proposes through it.
// It refuses a change that could never be confirmed before it reads Defender, and a secret before anything else. An
// error is a *Refusal, one that wraps confirm.ErrRefused, the *defender.Error of a failed read, or a failure of the store.
func (s *Service) Propose(ctx context.Context, by confirm.Requester, operation string, args json.RawMessage) (confirm.Change, error) {
	if err := s.needGate(); err != nil {
		return confirm.Change{}, err
	}
	if len(args) <= maxArguments { // a person who may propose nothing must learn, too, that a secret is exposed
		if err := RefuseSecrets(string(args)); err != nil {
			return confirm.Change{}, err
		}
	}
	if err := s.cfg.Gate.CanPropose(ctx, operation, by); err != nil {
		return confirm.Change{}, err
	}
	plan, err := s.Plan(ctx, callerOf(by), operation, args)
	if err != nil {
		return confirm.Change{}, err
	}
	if plan.Facts.Credential == AskCredential {
		if by, err = narrowToPage(by); err != nil {
			return confirm.Change{}, err
		}
	}
	return s.cfg.Gate.Propose(ctx, plan, by)
}

// Plan returns a Proposal for the arguments of a write operation, made from live state that is read on behalf of the
// caller. It records nothing. An error is a *Refusal, or the *defender.Error of a failed read.
func (s *Service) Plan(ctx context.Context, by Caller, operation string, args json.RawMessage) (confirm.Proposal, error) {
	op := findOperation(operation)
	if op == nil || op.plan == nil {
		return confirm.Proposal{}, refuse("", "there is no operation %s that changes scans", quote(operation))
	}
	p, err := op.plan(ctx, s.planner, by, args)
	if err != nil {
		return confirm.Proposal{}, err
	}
	return p, nil
}

// Call performs a reading or managing operation on behalf of the caller and returns its structured result. An error
// is a *Refusal, the *defender.Error of a failed read, or an error of package confirm.
func (s *Service) Call(ctx context.Context, by Caller, operation string, args json.RawMessage) (any, error) {
	op := findOperation(operation)
	if op == nil || op.call == nil {
		return nil, refuse("", "there is no operation %s that can be called without an approver", quote(operation))
	}
	return op.call(ctx, s, by, args)
}

// InvalidateCache drops Defender's lists, so that the next plan reads them again. Call it after every executed
// change: otherwise a plan made within cacheTTL of it is already stale.
func (s *Service) InvalidateCache() {
	s.live.definitions.invalidate()
	s.live.scanners.invalidate()
}
