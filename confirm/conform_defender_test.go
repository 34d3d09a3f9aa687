package confirm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"scanwarden/confirm"
)

// scanAsPlanned is the proposal of change c of the model, planned against this live scan.
func (r *replay) scanAsPlanned(c, value, live uint8) confirm.Proposal {
	operation := [...]string{"update_scan", "delete_scans"}[c] // the first needs two approvers
	return confirm.Proposal{
		Operation: operation, Target: "simulator", Summary: "Set a scan",
		Request:  confirm.Request{Method: "PATCH", Path: "/api/scan/" + r.name, Body: fmt.Appendf(nil, `{"value":"%d"}`, value)},
		Snapshot: fmt.Appendf(nil, `{"value":%d}`, live),
		Keys:     []string{"scan " + r.name},
	}
}

// valueIn returns the value in a body or a snapshot of scanAsPlanned.
func valueIn(text json.RawMessage) (value uint8) {
	for _, b := range text {
		if b >= '0' && b <= '9' {
			value = b - '0'
		}
	}
	return value
}

// execute stands for Config.Execute: it prepares, compares, calls beforeSend, sends and waits for the answer.
func (r *replay) execute(ctx context.Context, c confirm.Change, beforeSend confirm.BeforeSend) confirm.Outcome {
	a := actorOf(ctx)
	if a.pause("compare"); a.crashed.Load() {
		return confirm.Outcome{State: confirm.Failed}
	}
	if r.live != valueIn(c.Snapshot) {
		return confirm.Outcome{State: confirm.Stale}
	}
	err := beforeSend(ctx, fmt.Appendf(nil, `{"at":%q}`, time.Now()))
	if err != nil || a.crashed.Load() {
		return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
	}
	if a.pause("send"); a.crashed.Load() {
		return confirm.Outcome{State: confirm.Failed}
	}
	r.sends[c.ID]++
	r.sent[c.ID] = valueIn(c.Request.Body)
	return confirm.Outcome{State: a.pause("answer")}
}

// reconcile stands for Config.Reconcile: it compares the live scan with the plan.
func (r *replay) reconcile(ctx context.Context, c confirm.Change) confirm.Outcome {
	if a := actorOf(ctx); a.runs || a.slow {
		a.pause("look")
	}
	switch r.live {
	case valueIn(c.Request.Body):
		return confirm.Outcome{State: confirm.Applied}
	case valueIn(c.Snapshot):
		return confirm.Outcome{State: confirm.Failed}
	}
	return confirm.Outcome{State: confirm.Unknown}
}
