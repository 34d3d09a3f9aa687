package tools_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// foreignLab returns the scan of labScan as another user adds it, with some fields set otherwise.
func foreignLab(fields map[string]any) map[string]any {
	scan := map[string]any{
		"scanType": "Network", "scanName": "Lab", "isActive": true, "target": "10.1.2.3", "intervalInHours": 4,
		"targetType": "Ip", "scannerAgent": map[string]any{"machineId": hq},
	}
	for name, value := range fields {
		scan[name] = value
	}
	return scan
}

// TestAnAddIsStaleIfTheScanHasAppeared since the plan, however its target is written. A similar one changes nothing.
func TestAnAddIsStaleIfTheScanHasAppeared(t *testing.T) {
	twoTargets := withFields(t, labScan, map[string]any{"target": "10.1.2.3,10.1.2.4"})
	for name, c := range map[string]struct {
		args     string
		appeared map[string]any
		state    confirm.State
	}{
		"the same":          {labScan, foreignLab(nil), "stale"},
		"in another order":  {twoTargets, foreignLab(map[string]any{"target": "10.1.2.4, 10.1.2.3"}), "stale"},
		"of another name":   {labScan, foreignLab(map[string]any{"scanName": "Lab 2"}), "applied"},
		"on another target": {labScan, foreignLab(map[string]any{"target": "10.1.2.9"}), "applied"},
		"on another scanner": {labScan, foreignLab(map[string]any{"scannerAgent": map[string]any{"machineId": branch}}),
			"applied"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, defendertest.Options{})
			planned := executingChange(s.plan("add_scan", c.args))
			s.Tenant.AddScan(c.appeared)
			out := s.Executor.Execute(t.Context(), planned, noCheck)
			s.wantState(out, c.state)
			if sent := len(s.Tenant.Writes()) > 0; sent != (c.state == "applied") {
				t.Errorf("the add was sent: %v", sent)
			}
			if c.state == "stale" {
				wantWords(t, out.Reason, "nothing was sent", `scan "Lab" with this target and scanner exists now`)
			}
		})
	}
}

// TestAnAddOfAScanThatWasThereIsSent: an approver saw the warning about it.
func TestAnAddOfAScanThatWasThereIsSent(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.AddScan(foreignLab(nil))
	s.wantState(s.Executor.Execute(t.Context(), executingChange(s.plan("add_scan", labScan)), noCheck), "applied")
}

// TestAnAddIsNotSettledOnAScanOfAnother: a scan that matches, and that existed directly before the add was sent.
func TestAnAddIsNotSettledOnAScanOfAnother(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	c := executingChange(s.plan("add_scan", labScan))
	other := s.Tenant.AddScan(foreignLab(map[string]any{"scanName": "Lab of another"}))
	out := s.Executor.Execute(t.Context(), c, func(_ context.Context, baseline json.RawMessage) error {
		c.Baseline = baseline
		s.Tenant.Fail(defendertest.Fault{Method: "POST", Drop: true}) // nothing is applied
		if n := len(s.Tenant.Writes()); n > 0 {
			t.Errorf("%d writes arrived before the baseline was recorded", n)
		}
		return nil
	})
	s.wantState(out, "unknown")
	s.Tenant.Edit(other, map[string]any{"scanName": "Lab"})
	s.wantState(s.Executor.Reconcile(t.Context(), c), "failed", "no new scan")
	s.Tenant.AddScan(foreignLab(nil))
	s.wantState(s.Executor.Reconcile(t.Context(), c), "applied")
}

// TestAnAddThatWasNotSentIsNotSettledAsApplied: nothing was recorded before sending, so that nothing was sent.
func TestAnAddThatWasNotSentIsNotSettledAsApplied(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	c := executingChange(s.plan("add_scan", labScan))
	c.Baseline = nil
	s.Tenant.AddScan(foreignLab(nil))
	s.wantState(s.Executor.Reconcile(t.Context(), c), "failed", "it was not sent")
	c.Keys = nil // planned and perhaps sent by an earlier version
	s.wantState(s.Executor.Reconcile(t.Context(), c), "unknown", "not recorded")
}

// TestTheBaselineIsInTheLedgerBeforeTheAddIsSent, and the audit log has it.
func TestTheBaselineIsInTheLedgerBeforeTheAddIsSent(t *testing.T) {
	policy := confirm.Policy{Approvers: []string{"token:bob"}}
	s := newStackWith(t, toolstest.Options{Policy: policy})
	by := confirm.Requester{Principal: "token:ada", Source: confirm.SourceSlack, Channels: []confirm.Channel{confirm.Slack}}
	c, err := s.Service.Propose(t.Context(), by, "add_scan", json.RawMessage(labScan))
	if err != nil {
		t.Fatal(err)
	}
	since := s.Tenant.AddScan(foreignLab(map[string]any{"scanName": "Lab of another"}))
	s.Tenant.Fail(defendertest.Fault{Method: "POST", Path: collection, Drop: true})
	if _, err := s.Gate.Decide(t.Context(), c.ID, confirm.Vote{Principal: "token:bob", Approve: true, Channel: confirm.Slack}); err != nil {
		t.Fatal(err)
	}
	if c, err = s.Gate.Wait(t.Context(), c.ID); err != nil || c.State != confirm.Unknown {
		t.Fatalf("it is %s (%v), want unknown", c.State, err)
	}
	var ids []string
	if err := json.Unmarshal(c.Baseline, &ids); err != nil || !slices.Contains(ids, since) || !slices.Contains(ids, coreSwitches) {
		t.Errorf("the baseline is %s", c.Baseline)
	}
	if _, err := s.Store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if got := tools.ResultOf(c).Status; got != "unknown" {
		t.Errorf("its status is %s", got)
	}
}
