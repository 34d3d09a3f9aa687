package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"scanwarden/confirm"
)

// TypedCredentials takes the secrets that the approver types whose approval is the last one that a change needs. It keeps
// them for one execution and never stores them. The zero value takes none.
type TypedCredentials struct {
	// Parts returns the names of the fields that the change asks an approver for, such as authPassword.
	Parts func(c confirm.Change) []string
	// Hold keeps the values in memory for the execution of this change by this process. drop forgets them again.
	Hold func(c confirm.Change, values map[string]string) (drop func(), err error)
}

const (
	// decisionTimeout bounds the time to record a decision, also after the browser has gone.
	decisionTimeout = 10 * time.Second
	// outcomeWait bounds how long the answer to an approval waits for Defender, so that most people see how it ended.
	outcomeWait = 8 * time.Second
)

// decide serves the form of a change. It records the decision and redirects to the page of the change.
func (h *changesHandler) decide(w http.ResponseWriter, r *http.Request) {
	v, gate, c, ok := h.openChange(w, r)
	if !ok {
		return
	}
	f, err := h.readForm(r, v, c)
	if err != nil {
		h.renderChange(w, r, viewRequest{v, gate, c, "Nothing was recorded: " + err.Error() + "."}, statusOf(err))
		return
	}
	after, err := h.record(r.Context(), viewRequest{viewer: v, gate: gate, change: c}, f)
	if err != nil {
		h.showUndecided(w, r, viewRequest{v, gate, after, ""}, err)
		return
	}
	if f.approve && after.State != confirm.Pending {
		ctx, cancel := context.WithTimeout(r.Context(), outcomeWait)
		defer cancel()
		_, _ = gate.Wait(ctx, c.ID) // the page shows how far it came
	}
	http.Redirect(w, r, h.cfg.Base+"/changes/"+c.ID, http.StatusSeeOther)
}

// statusOf returns the HTTP status for a form that was refused.
func statusOf(err error) int {
	if errors.Is(err, errForm) {
		return http.StatusForbidden
	}
	return http.StatusUnprocessableEntity
}

// record records the decision and returns the change after it. It goes on when the browser disconnects.
func (h *changesHandler) record(ctx context.Context, q viewRequest, f decisionForm) (confirm.Change, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decisionTimeout)
	defer cancel()
	drop, err := h.holdTyped(ctx, q, f)
	if err != nil {
		return q.change, err
	}
	after, err := q.gate.Decide(ctx, q.change.ID, q.viewer.vote(f.approve, f.reason))
	if err != nil && !errors.Is(err, confirm.ErrUnknownCommit) || err == nil && after.State == confirm.Pending {
		drop() // this vote has not started an execution
	}
	return after, err
}

// showUndecided writes the page after a decision that was not recorded, or whose record is not known.
func (h *changesHandler) showUndecided(w http.ResponseWriter, r *http.Request, q viewRequest, err error) {
	if q.change.ID == "" {
		h.showFailure(w, "failed to record a decision on the page", err)
		return
	}
	switch {
	case errors.Is(err, confirm.ErrMoved):
		q.problem = "Your decision came too late: the change was settled already, as this page shows."
		h.renderChange(w, r, q, http.StatusConflict)
	case errors.Is(err, confirm.ErrUnknownCommit):
		q.problem = "The ledger did not answer, so it is not known yet whether your decision was recorded. Look again in a moment; do not decide elsewhere before."
		h.renderChange(w, r, q, http.StatusAccepted)
	case errors.Is(err, confirm.ErrRefused):
		q.problem = "Your decision does not count: " + err.Error() + "."
		h.renderChange(w, r, q, http.StatusForbidden)
	case errors.Is(err, errTyped):
		q.problem = "Nothing was recorded: " + err.Error() + "."
		h.renderChange(w, r, q, http.StatusUnprocessableEntity)
	default:
		h.showFailure(w, "failed to record a decision on the page", err)
	}
}
