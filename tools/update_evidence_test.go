package tools_test

import (
	"context"
	"encoding/json"
	"testing"

	"scanwarden/defender/defendertest"
)

// An update or a delete that was not sent is not settled as applied, although another user has done the same since:
// nothing was recorded directly before sending, so that nothing was sent.
func TestWhatWasNotSentIsNotSettledAsApplied(t *testing.T) {
	for name, c := range map[string]struct {
		operation, args string
		another         func(s *stack)
	}{
		"update": {"update_scan", `{"id":"` + coreSwitches + `","intervalInHours":50}`, func(s *stack) {
			s.Tenant.Edit(coreSwitches, map[string]any{"intervalInHours": 50})
		}},
		"delete": {"delete_scans", `{"scanDefinitionIds":["` + coreSwitches + `"]}`, func(s *stack) { s.Tenant.Remove(coreSwitches) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, defendertest.Options{})
			planned := executingChange(s.plan(c.operation, c.args))
			planned.Baseline = nil
			c.another(s)
			s.wantState(s.Executor.Reconcile(t.Context(), planned), "failed", "it was not sent")
		})
	}
}

// The live scans that an update or a delete touches are recorded directly before it is sent.
func TestABaselineIsRecordedBeforeEveryWrite(t *testing.T) {
	for operation, args := range map[string]string{
		"add_scan": labScan, "update_scan": `{"id":"` + coreSwitches + `","intervalInHours":50}`, "delete_scans": `{"scanDefinitionIds":["` + coreSwitches + `"]}`,
	} {
		t.Run(operation, func(t *testing.T) {
			s := newStack(t, defendertest.Options{})
			var recorded json.RawMessage
			out := s.Executor.Execute(t.Context(), executingChange(s.plan(operation, args)), func(_ context.Context, baseline json.RawMessage) error {
				recorded = baseline
				return nil
			})
			s.wantState(out, "applied")
			wantWords(t, string(recorded), coreSwitches)
		})
	}
}
