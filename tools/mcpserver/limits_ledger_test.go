package mcpserver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/internal/limits"
)

// proposeAndWithdraw does both over MCP. It returns false if the proposal was refused.
func (s *stack) proposeAndWithdraw(t *testing.T, args any) (status string, refused bool) {
	t.Helper()
	got := s.callTool(t, toolCall{tool: "add_scan", args: args})
	if got.Result.ResultType != "input_required" {
		out := got.wantStatus(t, "refused")
		return out.Reason + " " + out.Next, true
	}
	id := s.onlyOpenChange(t, "token:ada").ID
	s.callTool(t, toolCall{tool: "withdraw_change", args: map[string]any{"change_id": id}}).wantStatus(t, "withdrawn")
	return "", false
}

// Package confirm bounds the open changes of a requester; the refusal is counted like those of the other limits.
func TestOpenChangesAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(p *confirm.Policy) { p.MaxOpenPerRequester = 1 })
	s.callTool(t, toolCall{tool: "add_scan", args: s.newScan("First")}).wantPrompt(t)
	got := s.callTool(t, toolCall{tool: "add_scan", args: s.newScan("Second")}).wantStatus(t, "refused")
	if !strings.Contains(got.Reason, "1 change of yours already waits for a person") || !strings.Contains(got.Reason, "try again") {
		t.Errorf("%+v", got)
	}
	s.wantLimited(t, limits.OpenChanges)
}

func TestProposalsInAnHourAreBounded(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: quota(limits.Proposals, 3, time.Hour)})
	for range 3 {
		if reason, refused := s.proposeAndWithdraw(t, s.newScan("Again")); refused {
			t.Fatal(reason)
		}
	}
	reason, refused := s.proposeAndWithdraw(t, s.newScan("Again"))
	if !refused || !strings.Contains(reason, "as many changes as one caller may in an hour") || !strings.Contains(reason, "Try again in 20 minutes.") {
		t.Errorf("%q", reason)
	}
	if got := s.callTool(t, toolCall{token: bobToken, tool: "add_scan", args: s.newScan("Bob's")}); got.Result.IsError && strings.Contains(got.raw, "in an hour") {
		t.Errorf("another caller: %s", got.raw)
	}
	s.wantLimited(t, limits.Proposals)
}

// The bound is on what the ledger grows by, so the test compares it with the ledger.
func TestProposeAndWithdrawCannotFillTheLedger(t *testing.T) {
	t.Parallel()
	const bound = 8 << 20
	s := newStackWith(t, options{bounds: func(b *limits.Bounds) { anyRequestRate(b); quota(limits.ProposalBytes, bound, time.Hour)(b) }})
	before, large := s.ledgerSize(t), s.newScan("Large")
	var hosts []string
	for i := range 1900 {
		hosts = append(hosts, fmt.Sprintf("host-%03d-%03d.eu", i/250, i%250))
	}
	large["target"], large["targetType"] = strings.Join(hosts, ","), "Hostname"
	n := 0
	for refused := false; !refused; n++ {
		if n > 200 {
			t.Fatal("200 large proposals were accepted")
		}
		var reason string
		if reason, refused = s.proposeAndWithdraw(t, large); refused && !strings.Contains(reason, "as large as") {
			t.Fatal(reason)
		}
	}
	grown := s.ledgerSize(t) - before
	t.Logf("%d proposals, %d KiB in the ledger", n-1, grown>>10)
	if grown > 2*bound || grown < bound/2 {
		t.Errorf("the ledger has grown by %d KiB, and the bound is %d KiB", grown>>10, bound>>10)
	}
	s.wantLimited(t, limits.ProposalBytes)
}

// ledgerSize returns the bytes of the ledger and of its write-ahead log.
func (s *stack) ledgerSize(t *testing.T) (size int64) {
	t.Helper()
	for _, name := range []string{"ledger.db", "ledger.db-wal"} {
		info, err := os.Stat(filepath.Join(s.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
