package mcpserver_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/internal/limits"
	"scanwarden/tools/toolstest"
)

const canary = "canary-51c0ffee-do-not-leak"

// newCanaryStack returns a stack whose caller may send many requests, and the calls with a canary in each field.
func newCanaryStack(t *testing.T) (*stack, []toolstest.CanaryCall) {
	t.Helper()
	s := newStackWith(t, options{
		bounds: func(b *limits.Bounds) { clear(b.Quotas) },
		policy: func(p *confirm.Policy) { p.Approvers = append(p.Approvers, "local:ada") },
	})
	s.Tenant.AddScan(map[string]any{"scanName": "Core switches", "scannerAgent": map[string]any{"machineId": s.Scanner}})
	scan := s.newScan("Lab")
	delete(scan, "scanAuthenticationParams")
	return s, toolstest.CanaryCalls(t, canary, scan, "")
}

// ledgerHasCanary reports whether a file of the stack's state directory has the canary.
func (s *stack) ledgerHasCanary(t *testing.T) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("there is no ledger", err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(data), canary)
	})
}

func (s *stack) checkCanaryLog(t *testing.T) {
	t.Helper()
	log := s.log.String()
	if !strings.Contains(log, "msg=refused") || !strings.Contains(log, "rule=") {
		t.Errorf("refusals are not logged: %.300s", log)
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, canary) {
			t.Fatalf("the log repeats the canary: %s", line)
		}
	}
}

// TestNoSecretIsRepeatedOverHTTP: neither an answer, nor the log, nor the ledger has a secret that was typed into any
// field. The log has no value of any refused field at all.
func TestNoSecretIsRepeatedOverHTTP(t *testing.T) {
	s, calls := newCanaryStack(t)
	send := func(hidden bool) {
		for i, c := range calls {
			if c.Hidden != hidden || i%5 != 0 && !c.Named { // the forms alternate, so that every field has some
				continue
			}
			got := s.callTool(t, toolCall{tool: c.Operation, args: c.Arguments})
			if hidden && strings.Contains(got.raw, canary) {
				t.Fatalf("%s: the answer repeats the canary: %s", c.Name, got.raw)
			}
			if c.Named && !strings.Contains(got.raw, "is a secret and is not taken here") {
				t.Fatalf("%s: not refused as a secret: %s", c.Name, got.raw)
			}
		}
	}
	send(true)
	if s.ledgerHasCanary(t) {
		t.Error("the ledger has the canary")
	}
	send(false)
	s.checkCanaryLog(t)
	if !s.ledgerHasCanary(t) {
		t.Error("the ledger does not even have the name of a scan, so the search of it finds nothing")
	}
	s.wantWrites(t, 0)
}

// TestNoSecretIsRepeatedOverStdio is the same for the other transport, and for messages that are not well formed.
func TestNoSecretIsRepeatedOverStdio(t *testing.T) {
	s, calls := newCanaryStack(t)
	w := s.startStdio(t)
	w.initialize()
	for _, c := range calls {
		if !c.Hidden {
			continue
		}
		w.request("tools/call", map[string]any{"name": c.Operation, "arguments": c.Arguments})
		if got := w.read(); got.Method != "" || strings.Contains(string(got.Result), canary) ||
			c.Named && !strings.Contains(string(got.Result), "is a secret and is not taken here") {
			t.Fatalf("%s: %s%s %+v", c.Name, got.Method, got.Result, got.Error)
		}
	}
	for _, params := range []string{
		`"` + canary + `"`, `["` + canary + `"]`, `{"name":"add_scan","arguments":"` + canary + `"}`, `{"name":"add_scan","arguments":["` + canary + `"]}`,
		`{"name":"add_scan","arguments":{},"_meta":"` + canary + `"}`, `{"name":["` + canary + `"]}`,
	} {
		w.send(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":` + params + `}`)
		if got := w.read(); strings.Contains(string(got.Result), canary) || got.Error != nil && strings.Contains(got.Error.Message, canary) {
			t.Errorf("%s: %s %+v", params, got.Result, got.Error)
		}
	}
	w.send(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"password":"` + canary)
	if got := w.read(); got.Error != nil && strings.Contains(got.Error.Message, canary) {
		t.Errorf("%+v", got.Error)
	}
	s.checkCanaryLog(t)
	if s.ledgerHasCanary(t) {
		t.Error("the ledger has the canary")
	}
	w.closeAndWait()
}

// TestArgumentsAsTextMayWait: a call whose arguments are JSON text is counted among those that may wait.
func TestArgumentsAsTextMayWait(t *testing.T) {
	s := newStackWith(t, options{bounds: func(b *limits.Bounds) { b.Slots[limits.Waiting] = limits.Scoped[int]{} }})
	text, err := json.Marshal(`{"wait_seconds":"1"}`)
	if err != nil {
		t.Fatal(err)
	}
	for args, status := range map[string]string{string(text): "refused", `{"wait_seconds":"1"}`: "refused", `{"wait_seconds":"0"}`: "", `{}`: ""} {
		got := s.callTool(t, toolCall{tool: "get_change", args: json.RawMessage(args)})
		if got.wantResult(t).Status != status {
			t.Errorf("%s: %s", args, got.raw)
		}
	}
}
