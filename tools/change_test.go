package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

const (
	ada = confirm.Principal("token:ada")
	bob = confirm.Principal("token:bob")
)

// newStackWithGate returns a stack with a Gate, where bob may approve.
func newStackWithGate(t testing.TB) *stack {
	t.Helper()
	return newStackWith(t, toolstest.Options{Policy: confirm.Policy{
		Approvers: []string{string(bob)}, People: []confirm.Person{{Name: "Bob", Principals: []confirm.Principal{bob}}},
	}})
}

func (s *stack) propose(operation, args string) confirm.Change {
	s.t.Helper()
	c, err := s.Gate.Propose(s.t.Context(), s.plan(operation, args), confirm.Requester{
		Principal: ada, Source: "MCP HTTP", Channels: []confirm.Channel{confirm.Slack},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *stack) decide(c confirm.Change, approve bool, reason string) {
	s.t.Helper()
	v := confirm.Vote{Principal: bob, Approve: approve, Reason: reason, Channel: confirm.Slack}
	if _, err := s.Gate.Decide(s.t.Context(), c.ID, v); err != nil {
		s.t.Fatal(err)
	}
}

// call returns the result of an operation, marshaled and unmarshaled.
func (s *stack) call(by confirm.Principal, operation, args string) (map[string]any, error) {
	s.t.Helper()
	out, err := s.Service.Call(s.t.Context(), tools.Caller{Principal: by}, operation, json.RawMessage(args))
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(out)
	if err != nil {
		s.t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(b, &answer); err != nil {
		s.t.Fatal(err)
	}
	return answer, nil
}

func (s *stack) mustCall(by confirm.Principal, operation, args string) map[string]any {
	s.t.Helper()
	answer, err := s.call(by, operation, args)
	if err != nil {
		s.t.Fatalf("%s %s: %v", operation, args, err)
	}
	return answer
}

// TestAChangeIsFollowedToItsEnd by get_change, from the proposal to what Defender returned.
func TestAChangeIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	s := newStackWithGate(t)
	c := s.propose("add_scan", labScan)
	id := fmt.Sprintf(`{"change_id":%q}`, c.ID)

	got := s.mustCall(ada, "get_change", id)
	if got["status"] != "awaiting_confirmation" || got["change_id"] != c.ID || got["operation"] != "add_scan" {
		t.Errorf("get_change = %v", got)
	}
	wantWords(t, fmt.Sprint(got["reason"], got["next"]), "0 of 1", "expires at", "Only a person can confirm")
	if text := fmt.Sprint(got); strings.Contains(text, c.Code) {
		t.Errorf("the answer has the code: %s", text)
	}
	open := s.mustCall(ada, "get_change", `{}`)["changes"].([]any)
	if len(open) != 1 || open[0].(map[string]any)["change_id"] != c.ID {
		t.Errorf("open changes = %v", open)
	}

	s.decide(c, true, "")
	got = s.mustCall(ada, "get_change", fmt.Sprintf(`{"change_id":%q,"wait_seconds":50}`, c.ID))
	if got["status"] != "applied" || got["decided_by"] != "token:bob (Bob)" {
		t.Errorf("get_change = %v", got)
	}
	wantWords(t, fmt.Sprint(got["scans"]), "Lab", hq)
	if open := s.mustCall(ada, "get_change", `{}`)["changes"].([]any); len(open) != 0 {
		t.Errorf("open changes = %v, want an empty list", open)
	}
}

// TestChangesOfOthersAreNotFound: the error is the same as for an id that never existed.
func TestChangesOfOthersAreNotFound(t *testing.T) {
	s := newStackWithGate(t)
	c := s.propose("add_scan", labScan)
	for _, operation := range []string{"get_change", "withdraw_change"} {
		_, foreign := s.call(bob, operation, fmt.Sprintf(`{"change_id":%q}`, c.ID))
		_, missing := s.call(bob, operation, `{"change_id":"01JD3Y8K2Q5V7W9X1Z3B5C7D9F"}`)
		if !errors.Is(foreign, confirm.ErrNotFound) || !errors.Is(missing, confirm.ErrNotFound) {
			t.Errorf("%s: %v and %v, want not found", operation, foreign, missing)
		}
		if diff := cmp.Diff(tools.Refused(operation, missing), tools.Refused(operation, foreign)); diff != "" {
			t.Errorf("%s tells a foreign change from none:\n%s", operation, diff)
		}
	}
	if open := s.mustCall(bob, "get_change", `{}`)["changes"].([]any); len(open) != 0 {
		t.Errorf("bob sees ada's changes: %v", open)
	}
}

// TestWaitIsBounded by wait_seconds, and by the end of the call.
func TestWaitIsBounded(t *testing.T) {
	t.Parallel()
	s := newStackWithGate(t)
	c := s.propose("add_scan", labScan)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	out, err := s.Service.Call(ctx, tools.Caller{Principal: ada}, "get_change", json.RawMessage(fmt.Sprintf(`{"change_id":%q,"wait_seconds":50}`, c.ID)))
	if err != nil || out.(tools.Result).Status != "awaiting_confirmation" {
		t.Errorf("get_change = %v, %v", out, err)
	}
	got := s.mustCall(ada, "get_change", fmt.Sprintf(`{"change_id":%q,"wait_seconds":1}`, c.ID))
	if got["status"] != "awaiting_confirmation" {
		t.Errorf("get_change = %v", got)
	}
	if d := time.Since(start); d < time.Second || d > 45*time.Second {
		t.Errorf("waited %v, want about a second", d)
	}
	for _, wait := range []string{"-1", "51"} {
		_, err := s.call(ada, "get_change", `{"wait_seconds":`+wait+`}`)
		if err == nil {
			t.Fatalf("wait_seconds %s was taken", wait)
		}
		wantWords(t, err.Error(), "wait_seconds must be a whole number from 0 to 50")
	}
}

// TestWithdraw withdraws pending changes, any number of times, and nothing else.
func TestWithdraw(t *testing.T) {
	s := newStackWithGate(t)
	c := s.propose("add_scan", labScan)
	id := fmt.Sprintf(`{"change_id":%q}`, c.ID)
	agentOfAda := tools.Caller{Principal: ada, Agent: true}
	if _, err := s.Service.Call(t.Context(), agentOfAda, "withdraw_change", json.RawMessage(id)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("her agent took back what she asked for herself: %v", err)
	}
	for range 2 {
		if got := s.mustCall(ada, "withdraw_change", id); got["status"] != "withdrawn" {
			t.Errorf("withdraw_change = %v", got)
		}
	}
	denied := s.propose("delete_scans", `{"scanDefinitionIds":["Core switches"]}`)
	s.decide(denied, false, "not\u202e today")
	id = fmt.Sprintf(`{"change_id":%q}`, denied.ID)
	_, err := s.call(ada, "withdraw_change", id)
	if !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("a denied change was withdrawn: %v", err)
	}
	got := s.mustCall(ada, "get_change", id)
	if got["status"] != "denied" || got["decided_by"] != "token:bob (Bob)" || got["reason"] != "not⟨U+202E⟩ today." {
		t.Errorf("get_change = %v", got)
	}
	if _, err := s.call(ada, "withdraw_change", `{}`); err == nil {
		t.Error("withdrew nothing in particular")
	}
	if n := len(s.Tenant.Writes()); n > 0 {
		t.Errorf("%d writes arrived", n)
	}
}

// TestWithoutAGate the operations on changes are refused, while plans and reads work.
func TestWithoutAGate(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, operation := range []string{"get_change", "withdraw_change"} {
		if _, err := s.call(ada, operation, `{"change_id":"x"}`); err == nil {
			t.Errorf("%s answered without a gate", operation)
		}
	}
}

// TestEveryStateHasAStatus and a next step.
func TestEveryStateHasAStatus(t *testing.T) {
	for state, want := range map[confirm.State]string{
		confirm.Pending: "awaiting_confirmation", confirm.Approved: "awaiting_confirmation", confirm.Executing: "awaiting_confirmation",
		confirm.Applied: "applied", confirm.Failed: "failed", confirm.Unknown: "unknown", confirm.Denied: "denied",
		confirm.Expired: "expired", confirm.Withdrawn: "withdrawn", confirm.Stale: "stale",
	} {
		r := tools.ResultOf(confirm.Change{State: state})
		if r.Status != want || r.Next == "" {
			t.Errorf("%s is told as %+v, want %s", state, r, want)
		}
	}
	r := tools.ResultOf(confirm.Change{State: confirm.Executing})
	wantWords(t, r.Reason, "confirmed and being sent")
	r = tools.ResultOf(confirm.Change{State: confirm.Applied, Decisions: []confirm.Decision{
		{Principal: ada, Name: "Ada", Approve: true}, {Principal: bob, Approve: true},
	}})
	if r.DecidedBy != "token:ada (Ada), token:bob" {
		t.Errorf("decided_by = %q", r.DecidedBy)
	}
	r = tools.ResultOf(confirm.Change{State: confirm.Denied, Decisions: []confirm.Decision{
		{Principal: ada, Approve: true}, {Principal: bob, Name: "Bob"},
	}})
	if r.DecidedBy != "token:bob (Bob)" {
		t.Errorf("decided_by = %q", r.DecidedBy)
	}
}

// TestRefusedHidesInternalErrors: an error that is not meant for the caller is not repeated.
func TestRefusedHidesInternalErrors(t *testing.T) {
	for _, c := range []struct {
		err   error
		words []string
	}{
		{&tools.Refusal{Field: "id", Reason: "id is missing", Next: "call list_scans"}, []string{"id is missing.|Call list_scans."}},
		{fmt.Errorf("wrapped: %w", &tools.Refusal{Reason: "no"}), []string{"no.|"}},
		{&defender.Error{Op: "list definitions", Status: 403, Code: "Forbidden", Next: "grant Machine.Read.All"}, []string{"list definitions: 403 Forbidden.|Grant Machine.Read.All."}},
		{fmt.Errorf("read change: %w", confirm.ErrNotFound), []string{"no change of yours"}},
		{fmt.Errorf("move: %w", confirm.ErrMoved), []string{"moved meanwhile"}},
		{context.DeadlineExceeded, []string{"too long"}},
		{context.Canceled, []string{"canceled"}},
		{errors.New("pq: password authentication failed for " + canary), []string{"failed on its own side", "operator"}},
	} {
		r := tools.Refused("add_scan", c.err)
		if r.Status != "refused" || r.Operation != "add_scan" {
			t.Errorf("%v: %+v", c.err, r)
		}
		wantWords(t, r.Reason+"|"+r.Next, c.words...)
		if strings.Contains(fmt.Sprint(r), canary) {
			t.Errorf("%v is repeated: %+v", c.err, r)
		}
	}
}
