package tools_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// labFields is labScan without its credential.
func labFields() map[string]any {
	return map[string]any{
		"scanType": "Network", "scanName": "Lab", "target": "10.1.2.3", "intervalInHours": 4,
		"scannerAgent": map[string]any{"machineId": hq},
	}
}

// planOrCall runs an operation, and returns its answer as JSON and its error.
func (s *stack) planOrCall(operation string, args json.RawMessage) (string, error) {
	s.t.Helper()
	var answer any
	answer, err := s.Service.Plan(s.t.Context(), tools.Caller{}, operation, args)
	if strings.HasPrefix(operation, "list") || strings.HasPrefix(operation, "get") || operation == "scan_history" || operation == "withdraw_change" {
		answer, err = s.Service.Call(s.t.Context(), tools.Caller{Principal: ada}, operation, args)
	}
	if err != nil {
		answer = tools.Refused(operation, err)
	}
	text, encodeErr := json.Marshal(answer)
	if encodeErr != nil {
		s.t.Fatal(encodeErr)
	}
	return string(text), err
}

// TestNoSecretIsRepeated: a canary in every field of every operation, in every form, is in no refusal if it is a secret by
// its name or its field, and never in what is logged. A named one is refused as a secret.
func TestNoSecretIsRepeated(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	calls := toolstest.CanaryCalls(t, canary, labFields(), "core-snmp")
	if len(calls) < 3000 {
		t.Fatalf("there are only %d calls", len(calls))
	}
	for _, c := range calls {
		answer, err := s.planOrCall(c.Operation, c.Arguments)
		if c.Hidden && strings.Contains(answer, canary) {
			t.Errorf("%s: the answer repeats the canary: %s", c.Name, answer)
		}
		if c.Hidden && err == nil && !strings.HasPrefix(c.Operation, "list") {
			t.Errorf("%s: taken: %s", c.Name, answer)
		}
		if c.Named {
			wantWords(t, answer, "is a secret and is not taken here", "rotate it")
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("refused", tools.RefusalAttrs(err)...)
		if strings.Contains(log.String(), canary) {
			t.Errorf("%s: the log repeats the canary: %s", c.Name, &log)
		}
		if t.Failed() {
			t.Fatalf("arguments: %s", c.Arguments)
		}
	}
}

// TestLogsHaveTheRule of a refusal, and its field where the field is one of ours.
func TestLogsHaveTheRule(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, c := range []struct{ args, want string }{
		{`{"scanName":"` + strings.Repeat("x", 200) + `"}`, `field=scanType rule="missing: ..."`},
		{withFields(t, labScan, map[string]any{"scanType": "hunter2"}), `field=scanType rule="... must be one of ..., not ..."`},
		{withFields(t, labScan, map[string]any{"target": "hunter|2"}), `field=target rule="target entry is not a hostname"`},
		{withFields(t, labScan, map[string]any{"target": "10.1.2.3,hunter2"}), `field=target rule="target mixes kinds"`},
		{withFields(t, labScan, map[string]any{"hunter2": 1}), `field="" rule="unknown: ..."`},
		{withFields(t, labScan, map[string]any{"credential": "hunter2"}), `field=credential rule="credential does not name one that is configured"`},
		{`{"password":"hunter2"}`, `field=password rule="... is a secret`},
	} {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("refused", tools.RefusalAttrs(s.planRefused("add_scan", c.args))...)
		wantWords(t, log.String(), c.want)
		if strings.Contains(log.String(), "hunter") {
			t.Errorf("the log repeats a value: %s", &log)
		}
	}
}
