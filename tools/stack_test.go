package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// The seeded tenant of the simulator.
const (
	coreSwitches  = "d14cefe1-0301-488c-ad17-a86c428c3727"
	branchRouters = "4ad8d463-6b3a-4894-b42a-a2de9ea0a8ae"
	financeWin    = "289224fb-1686-472c-9751-5555960854ca"
	hq            = "eb663a27ae9d032f61bc268a79eedf14c4b90f77"
	branch        = "625431694b7d2ca9d07e77ca1b029ef216bebb6d"
	plant         = "4a1f7c0be9d35286f0b7c1d2e83945ab60cd71f2" // last seen 41 days ago
)

// canary is a secret that must be found only in what Defender receives.
const canary = "canary-7f3a9c51-do-not-leak"

func secret(text string) tools.CredentialField {
	return tools.CredentialField{From: "env CANARY", Read: func(context.Context) (defender.Secret, error) {
		return defender.NewSecret(text), nil
	}}
}

func coreSNMP() tools.Credential {
	return tools.Credential{
		Type: "AuthPriv", Username: "scanner", AuthProtocol: "SHA1", PrivProtocol: "AES",
		AuthPassword: secret(canary + "-auth"), PrivPassword: secret(canary + "-priv"),
	}
}

// stack is the shared stack without a Gate, with helpers that plan and execute.
type stack struct {
	*toolstest.Stack
	t           testing.TB
	credentials map[string]tools.Credential
}

func newStack(t testing.TB, o defendertest.Options, change ...func(*tools.Config)) *stack {
	t.Helper()
	return newStackWith(t, toolstest.Options{Tenant: o, NoGate: true, Service: func(cfg *tools.Config) {
		for _, c := range change {
			c(cfg)
		}
	}})
}

func newStackWith(t testing.TB, o toolstest.Options) *stack {
	t.Helper()
	s := &stack{t: t, credentials: map[string]tools.Credential{"core-snmp": coreSNMP()}}
	o.Target = "contoso"
	o.Credentials = s.credentials
	s.Stack = toolstest.New(t, o)
	return s
}

// forTest returns the stack for use by a subtest or a fuzzed run.
func (s *stack) forTest(t testing.TB) *stack {
	inner := *s
	inner.t = t
	return &inner
}

func (s *stack) plan(operation, args string) confirm.Proposal {
	s.t.Helper()
	p, err := s.Service.Plan(s.t.Context(), tools.Caller{}, operation, json.RawMessage(args))
	if err != nil {
		s.t.Fatalf("plan %s %s: %v", operation, args, err)
	}
	return p
}

// planRefused plans what must be refused, and returns the refusal.
func (s *stack) planRefused(operation, args string) *tools.Refusal {
	s.t.Helper()
	p, err := s.Service.Plan(s.t.Context(), tools.Caller{}, operation, json.RawMessage(args))
	var r *tools.Refusal
	if !errors.As(err, &r) {
		s.t.Fatalf("plan %s %s = %+v, %v; want a refusal", operation, args, p, err)
	}
	if r.Reason == "" || strings.ContainsAny(r.Error(), "\n\x00") {
		s.t.Errorf("refusal %q is not one plain sentence", r.Error())
	}
	return r
}

// executingChange returns a planned change as the Gate passes it to the Executor.
func executingChange(p confirm.Proposal) confirm.Change {
	c := confirm.Change{ID: "01JD3Y8K2Q5V7W9X1Z3B5C7D9F", Proposal: p, Requester: "local:ada", State: confirm.Executing}
	if c.Baseline = p.Snapshot; p.Operation != "add_scan" { // as if it had been sent right after the plan
		c.Baseline = json.RawMessage(`[]`)
	}
	return c
}

// execute plans, and executes as if an approver had confirmed.
func (s *stack) execute(operation, args string) (confirm.Change, confirm.Outcome) {
	s.t.Helper()
	c := executingChange(s.plan(operation, args))
	return c, s.Executor.Execute(s.t.Context(), c, noCheck)
}

func (s *stack) wantState(got confirm.Outcome, want confirm.State, words ...string) {
	s.t.Helper()
	if got.State != want {
		s.t.Fatalf("outcome = %+v, want %s", got, want)
	}
	wantWords(s.t, got.Reason+" "+got.Next, words...)
}

func wantWords(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}

// planField returns a field of the plan by its name.
func planField(t testing.TB, s confirm.Subject, name string) confirm.Field {
	t.Helper()
	for _, f := range s.Fields {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("the plan for %q does not show %s: %+v", s.Title, name, s.Fields)
	return confirm.Field{}
}

// withFields returns the JSON object in text with some fields set. A nil value removes one.
func withFields(t testing.TB, text string, fields map[string]any) string {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	for name, v := range fields {
		if v == nil {
			delete(o, name)
		} else {
			o[name] = v
		}
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// labScan is the smallest add that is accepted.
const labScan = `{"scanType":"Network","scanName":"Lab","target":"10.1.2.3","intervalInHours":4,
	"scannerAgent":{"machineId":"` + hq + `"},"credential":"core-snmp"}`

func fixedClock(at time.Time) func(*tools.Config) {
	return func(cfg *tools.Config) { cfg.Now = func() time.Time { return at } }
}

// noCheck is a beforeSend that allows everything.
func noCheck(context.Context, json.RawMessage) error { return nil }
