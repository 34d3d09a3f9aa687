package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver/internal/limits"
)

// limitKey returns the name of the caller in limits. An agent has its own, so that it cannot use up the limits of its user.
func (c callerIdentity) limitKey() string {
	if c.principal == "" {
		return c.sessionOwner()
	}
	return c.sealedName()
}

// reportLimit passes a refusal to Config.OnLimited.
func (s *Server) reportLimit(l limits.Limit) {
	if s.cfg.OnLimited != nil {
		s.cfg.OnLimited(string(l))
	}
}

// occupyRequest occupies what a request of the caller needs, until the admission is released.
func (s *Server) occupyRequest(a *admission, size int) error {
	key := a.caller.limitKey()
	if err := s.limits.TakeShared(key, limits.Requests, 1); err != nil {
		return err
	}
	for _, need := range []struct {
		limit limits.Limit
		n     int
	}{{limits.InFlight, 1}, {limits.MessageBytes, size}} {
		release, err := s.limits.Acquire(key, need.limit, need.n)
		if err != nil {
			return err
		}
		a.releases = append(a.releases, release)
	}
	return nil
}

// occupyCall occupies a slot for a running tool call. The local user needs none, because a server with a local user
// has no other callers.
func (s *Server) occupyCall(c callerIdentity) (release func(), err error) {
	if strings.HasPrefix(string(c.principal), "local:") {
		return func() {}, nil
	}
	return s.limits.Acquire(c.limitKey(), limits.Running, 1)
}

// occupyRead occupies a slot for a call of an operation that does not change Defender. A call that waits needs another
// kind of slot than one that runs.
func (s *Server) occupyRead(c callerIdentity, op tools.Operation, req mcp.CallToolRequest) (release func(), err error) {
	arguments := req.GetArguments()
	wait, isText := arguments[op.WaitArgument], arguments == nil && req.Params.Arguments != nil // JSON text may ask to wait
	if op.WaitArgument != "" && (isText || !slices.Contains([]any{nil, "", "0", 0.0}, wait)) {
		return s.occupyWait(c)
	}
	return s.occupyCall(c)
}

// occupyWait occupies a slot for a call that waits for an approver or an outcome.
func (s *Server) occupyWait(c callerIdentity) (release func(), err error) {
	return s.limits.Acquire(c.limitKey(), limits.Waiting, 1)
}

// checkProposals returns an error if the caller has proposed too much within an hour.
func (s *Server) checkProposals(c callerIdentity) error {
	if err := s.limits.Check(c.limitKey(), limits.Proposals); err != nil {
		return err
	}
	return s.limits.Check(c.limitKey(), limits.ProposalBytes)
}

// proposalOverhead is about what the ledger keeps of a change beside its proposal, until its end.
const proposalOverhead = 4 << 10

// chargeProposal counts a change that was kept. The ledger has its proposal twice: in the change and in the audit log.
func (s *Server) chargeProposal(caller callerIdentity, c confirm.Change) {
	text, err := json.Marshal(c.Proposal)
	if err != nil {
		s.cfg.Log.Error("failed to measure a change", "change", c.ID, "error", err)
	}
	s.limits.Charge(caller.limitKey(), limits.Proposals, 1)
	s.limits.Charge(caller.limitKey(), limits.ProposalBytes, 2*len(text)+proposalOverhead)
}

// asRefusal returns the refusal of a limit as one that the model receives. It returns other errors unchanged. It logs
// the limits of a caller about once a minute.
func (s *Server) asRefusal(ctx context.Context, c callerIdentity, err error) error {
	limited, ok := errors.AsType[*limits.Error](err)
	if !ok {
		return err
	}
	s.logLimited(ctx, s.limits, c.limitKey(), limited)
	return &tools.Refusal{Reason: limited.Reason(), Next: limited.Next()}
}

func (s *Server) logLimited(ctx context.Context, l *limits.Limiter, key string, err *limits.Error) {
	if l.MayLog(key) {
		s.cfg.Log.WarnContext(ctx, "a caller reached a limit", "by", key, "limit", err.Limit, "all_callers", err.All)
	}
}

// refuseLimited answers a request of an authenticated caller that exceeds a limit.
func (h *httpHandler) refuseLimited(w http.ResponseWriter, r *http.Request, err error) {
	caller, _ := r.Context().Value(callerKey{}).(callerIdentity)
	h.answerLimited(w, r, refusal{limiter: h.server.limits, key: caller.limitKey(), err: err})
}

// refuseAddress answers a request that is not authenticated and exceeds a limit of its remote address.
func (h *httpHandler) refuseAddress(w http.ResponseWriter, r *http.Request, err error) {
	h.answerLimited(w, r, refusal{limiter: h.addresses, key: remoteAddress(r), err: err})
}

// refusal is the refusal of a request.
type refusal struct {
	limiter *limits.Limiter
	key     string // the caller or the address that is limited
	err     error
}

// answerLimited answers a refused request, with the time after which to try again. It delays the answer to a caller
// that repeats refused requests at once, and closes the connections of one that has many.
func (h *httpHandler) answerLimited(w http.ResponseWriter, r *http.Request, refused refusal) {
	limited, ok := errors.AsType[*limits.Error](refused.err)
	if !ok {
		http.Error(w, errInternal.Error(), http.StatusInternalServerError)
		return
	}
	h.server.logLimited(r.Context(), refused.limiter, refused.key, limited)
	delay, ok := refused.limiter.RefusalDelay(refused.key)
	if !ok {
		w.Header().Set("Connection", "close")
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		case <-h.server.base.Done():
		}
	}
	status := http.StatusTooManyRequests
	switch {
	case limited.RetryAfter == 0:
		status = http.StatusRequestEntityTooLarge
	case limited.All:
		status = http.StatusServiceUnavailable
	}
	if seconds := limited.Seconds(); seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	http.Error(w, limited.Error(), status)
}

// remoteAddress returns the address from which a request came. It returns the network of an IPv6 address, because one
// host has a whole one.
func remoteAddress(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address := from.Addr().Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
