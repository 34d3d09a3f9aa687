package main

import (
	"strings"
	"testing"
	"time"

	"scanwarden/cmd/scanwarden/internal/config/configtest"
	"scanwarden/confirm"
)

func TestStatusText(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for state, want := range map[confirm.State]string{
		confirm.Pending: "awaiting_confirmation", confirm.Approved: "approved", confirm.Executing: "executing",
		confirm.Applied: "applied", confirm.Failed: "failed", confirm.Unknown: "unknown", confirm.Denied: "denied",
		confirm.Expired: "expired", confirm.Withdrawn: "withdrawn", confirm.Stale: "stale",
	} {
		if got := statusText(confirm.Change{State: state, Expires: now.Add(time.Minute)}, now); got != want {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
	if got := statusText(confirm.Change{State: confirm.Pending, Expires: now}, now); got != "expired" {
		t.Errorf("overdue: %q", got)
	}
}

// TestExplanationOfAnOldChange: past decisions are separate from what the current policy would decide.
func TestExplanationOfAnOldChange(t *testing.T) {
	t.Parallel()
	c := confirm.Change{
		ID: "01OLD", State: confirm.Applied, Requester: "token:bob", Needed: 1, Channels: []confirm.Channel{confirm.Slack},
		Proposal:  confirm.Proposal{Operation: "delete_scans", Summary: "Delete 1 scan", Facts: confirm.Facts{Count: 1}},
		Decisions: []confirm.Decision{{Principal: "slack:T1/U1", Name: "Ada", Approve: true, Channel: confirm.Slack}},
	}
	got := newExplanation(c, configtest.Load(t, "policy: {approvers: [\"slack:T1/U2\"]}\n", nil), nil).text()
	want := `Change 01OLD: Delete 1 scan, asked for by token:bob; it is applied
Ada (slack:T1/U1) said yes on slack at `
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "It is no longer pending. The current policy would treat a change like it so:\n") ||
		!strings.Contains(got, "May confirm: slack:T1/U2\n") {
		t.Error(got)
	}
}
