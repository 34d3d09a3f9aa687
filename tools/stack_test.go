package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
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

// canary is the secret that must be found nowhere but in what Defender receives.
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

// house is a desk and an executor over a simulated tenant, behind real HTTP.
type house struct {
	t      testing.TB
	sim    *defendertest.Server
	api    defender.Config
	reader *defender.Client
	writer *defender.Writer
	cfg    tools.Config
	desk   *tools.Service
	exec   *tools.Executor
}

func build(t testing.TB, o defendertest.Options, change ...func(*tools.Config)) *house {
	t.Helper()
	h := &house{t: t, sim: defendertest.New(o)}
	service := httptest.NewServer(h.sim)
	t.Cleanup(service.Close)
	t.Cleanup(h.sim.Close) // first: Close of the service waits for hung requests
	h.api = defender.Config{URL: service.URL, Token: func(context.Context, defender.TokenRequest) (string, error) { return "token", nil }}
	var err error
	if h.reader, err = defender.New(h.api); err != nil {
		t.Fatal(err)
	}
	if h.writer, err = defender.NewWriter(h.api); err != nil {
		t.Fatal(err)
	}
	h.cfg = tools.Config{
		Reader: h.reader, Target: "contoso",
		Credentials: map[string]tools.Credential{"core-snmp": coreSNMP()},
	}
	for _, c := range change {
		c(&h.cfg)
	}
	h.desk = tools.NewService(h.cfg)
	h.exec = tools.NewExecutor(h.reader, h.writer, h.cfg.Credentials)
	return h
}

// in is the house as a subtest or a fuzzed run uses it.
func (h *house) in(t testing.TB) *house {
	inner := *h
	inner.t = t
	return &inner
}

func (h *house) plan(operation, args string) confirm.Proposal {
	h.t.Helper()
	p, err := h.desk.Plan(h.t.Context(), tools.Caller{}, operation, json.RawMessage(args))
	if err != nil {
		h.t.Fatalf("plan %s %s: %v", operation, args, err)
	}
	return p
}

// refused plans what must be refused, and returns the refusal.
func (h *house) refused(operation, args string) *tools.Refusal {
	h.t.Helper()
	p, err := h.desk.Plan(h.t.Context(), tools.Caller{}, operation, json.RawMessage(args))
	var r *tools.Refusal
	if !errors.As(err, &r) {
		h.t.Fatalf("plan %s %s = %+v, %v; want a refusal", operation, args, p, err)
	}
	if r.Reason == "" || strings.ContainsAny(r.Error(), "\n\x00") {
		h.t.Errorf("refusal %q is not one plain sentence", r.Error())
	}
	return r
}

// change is a planned change as the gate would hand it to the executor.
func change(p confirm.Proposal) confirm.Change {
	return confirm.Change{ID: "01JD3Y8K2Q5V7W9X1Z3B5C7D9F", Proposal: p, Requester: "local:ada", State: confirm.Executing}
}

// execute plans, and executes as if a person had said yes.
func (h *house) execute(operation, args string) (confirm.Change, confirm.Outcome) {
	h.t.Helper()
	c := change(h.plan(operation, args))
	return c, h.exec.Execute(h.t.Context(), c, freely)
}

func (h *house) wantState(got confirm.Outcome, want confirm.State, words ...string) {
	h.t.Helper()
	if got.State != want {
		h.t.Fatalf("outcome = %+v, want %s", got, want)
	}
	wantWords(h.t, got.Reason+" "+got.Next, words...)
}

func wantWords(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}

// field returns a line of the plan by its name.
func field(t testing.TB, s confirm.Subject, name string) confirm.Field {
	t.Helper()
	for _, f := range s.Fields {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("the plan for %q does not show %s: %+v", s.Title, name, s.Fields)
	return confirm.Field{}
}

// object is JSON made of an object's text with some fields set; a nil value removes one.
func with(t testing.TB, text string, fields map[string]any) string {
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

// lab is the smallest add that is accepted.
const lab = `{"scanType":"Network","scanName":"Lab","target":"10.1.2.3","intervalInHours":4,
	"scannerAgent":{"machineId":"` + hq + `"},"credential":"core-snmp"}`

func clock(at time.Time) func(*tools.Config) {
	return func(cfg *tools.Config) { cfg.Now = func() time.Time { return at } }
}

// freely is a claim that never goes.
func freely(context.Context) error { return nil }
