package mcpserver_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/internal/limits"
)

// limitCounts counts refusals by the name of their limit.
type limitCounts struct {
	mu     sync.Mutex
	counts map[string]int
}

func (l *limitCounts) add(limit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[limit]++
}

func (l *limitCounts) all() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts)
}

// wantLimited checks that exactly these limits refused something.
func (s *stack) wantLimited(t testing.TB, want ...limits.Limit) {
	t.Helper()
	counts := s.limited.all()
	for _, limit := range want {
		if counts[string(limit)] == 0 {
			t.Errorf("no refusal of %s was counted: %v", limit, counts)
		}
		delete(counts, string(limit))
	}
	if len(counts) != 0 {
		t.Errorf("other refusals were counted: %v", counts)
	}
}

func anyRequestRate(b *limits.Bounds) { delete(b.Quotas, limits.Requests) }

func quota(limit limits.Limit, burst int, refill time.Duration) func(*limits.Bounds) {
	return func(b *limits.Bounds) {
		b.Quotas[limit] = limits.Scoped[limits.Quota]{Caller: limits.Quota{Burst: burst, Refill: refill}, All: limits.Quota{Burst: 1 << 30, Refill: time.Second}}
	}
}

func slots(limit limits.Limit, n int) func(*limits.Bounds) {
	return func(b *limits.Bounds) { b.Slots[limit] = limits.Scoped[int]{Caller: n, All: 1 << 30} }
}

// wantRetryLater checks the refusal of a request: its status, its sentence, and when to try again.
func wantRetryLater(t *testing.T, got response, status int, word string) {
	t.Helper()
	after, err := strconv.Atoi(got.header.Get("Retry-After"))
	if got.status != status || !strings.Contains(got.raw, word) || !strings.Contains(got.raw, "try again in") || err != nil || after < 1 {
		t.Errorf("%d %q, Retry-After %q; want %d with %q", got.status, got.raw, got.header.Get("Retry-After"), status, word)
	}
}

func (s *stack) list(t testing.TB, token string) response {
	t.Helper()
	return s.callTool(t, toolCall{token: token, tool: "list_scans", args: map[string]any{}})
}

func TestACallerIsRefusedAboveTheRequestRate(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: quota(limits.Requests, 3, time.Hour)})
	for range 10 { // while there is no other caller
		if got := s.list(t, adaToken); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.raw)
		}
	}
	s.list(t, bobToken)
	for range 20 {
		wantRetryLater(t, s.list(t, adaToken), http.StatusTooManyRequests, "more requests than one caller may")
	}
	if got := s.list(t, bobToken); got.status != 200 {
		t.Errorf("another caller: %d %s", got.status, got.raw)
	}
	s.wantLimited(t, limits.Requests)
	if n := strings.Count(s.log.String(), "reached a limit"); n != 1 {
		t.Errorf("20 refusals have %d lines in the log, want 1", n)
	}
}

func TestAllCallersTogetherAreRefusedAboveTheirRequestRate(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: func(b *limits.Bounds) {
		q := limits.Quota{Burst: 2, Refill: time.Hour}
		b.Quotas[limits.Requests] = limits.Scoped[limits.Quota]{Caller: limits.Quota{Burst: 9, Refill: time.Hour}, All: q}
	}})
	s.list(t, adaToken)
	s.list(t, bobToken)
	wantRetryLater(t, s.list(t, bobToken), http.StatusServiceUnavailable, "all callers together")
	s.wantLimited(t, limits.Requests)
}

func TestRequestsInProgressAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		bounds func(*limits.Bounds)
		word   string
		limit  limits.Limit
	}{
		"requests": {slots(limits.InFlight, 0), "too many of your requests", limits.InFlight},
		"bytes":    {slots(limits.MessageBytes, 100), "too many bytes of your requests", limits.MessageBytes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStackWith(t, options{bounds: tt.bounds})
			wantRetryLater(t, s.list(t, adaToken), http.StatusTooManyRequests, tt.word)
			s.wantLimited(t, tt.limit)
		})
	}
}

// A request frees what it occupied, whether it is served or refused: otherwise a caller would be refused forever.
func TestARequestFreesWhatItOccupied(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: func(b *limits.Bounds) {
		slots(limits.InFlight, 1)(b)
		slots(limits.Running, 1)(b)
		slots(limits.Waiting, 1)(b)
		slots(limits.MessageBytes, 1<<20)(b)
	}})
	large := strings.Repeat("x", 1<<20)
	for range 3 {
		for _, body := range []string{initializeRequest, large, "{", `{"jsonrpc":"2.0","id":1,"method":"` + large + `"}`} {
			if got := s.postMessage(t, adaToken, []byte(body), http.Header{}); got.status == http.StatusTooManyRequests {
				t.Fatalf("%s", got.raw)
			}
		}
		s.list(t, adaToken).wantResult(t)
		s.callAndConfirm(t, "add_scan", s.newScan("Freed")).wantStatus(t, "applied")
		s.callTool(t, toolCall{tool: "get_change", args: map[string]any{"change_id": "x", "wait_seconds": 50}}).wantStatus(t, "refused")
	}
	s.wantLimited(t)
}

func TestRunningCallsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.Running, 0)})
	for _, tool := range []string{"list_scans", "get_change", "add_scan"} {
		got := s.callTool(t, toolCall{tool: tool, args: s.newScan("Too many")}).wantStatus(t, "refused")
		if !strings.Contains(got.Reason, "too many of your calls are in progress") || got.Next != "Try again in a second." {
			t.Errorf("%s: %+v", tool, got)
		}
	}
	s.wantLimited(t, limits.Running)
}

// hold makes an initialize-era call of ada that waits until the test ends.
func (s *stack) hold(t *testing.T) {
	t.Helper()
	asked, over := make(chan struct{}), make(chan struct{})
	c := s.dialInitializeEra(t, func(string) *mcp.ElicitationResult {
		close(asked)
		<-over
		return &mcp.ElicitationResult{}
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = s.callInitializeEra(t, c, "add_scan", s.newScan("Held"))
	}()
	t.Cleanup(func() { close(over); <-ended })
	<-asked
}

func TestWaitingCallsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.Waiting, 1)})
	s.hold(t)
	wait := map[string]any{"change_id": "x", "wait_seconds": 50}
	for name, args := range map[string]map[string]any{"a number": wait, "as text": {"change_id": "x", "wait_seconds": "50"}} {
		got := s.callTool(t, toolCall{tool: "get_change", args: args}).wantStatus(t, "refused")
		if !strings.Contains(got.Reason, "too many of your calls wait for a decision") || got.Next != "Try again in 10 seconds." {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, l := range map[string]toolCall{
		"a call that does not wait": {tool: "get_change", args: map[string]any{"change_id": "x"}},
		"a wait of no time":         {tool: "get_change", args: map[string]any{"change_id": "x", "wait_seconds": 0}},
		"another caller":            {token: bobToken, tool: "get_change", args: wait},
	} {
		if got := s.callTool(t, l).wantStatus(t, "refused"); !strings.Contains(got.Reason, "no change of yours") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	s.wantLimited(t, limits.Waiting)
}

// A second prompt of an initialize-era client would wait too, so it is refused before anything is recorded.
func TestAPromptThatWouldWaitTooIsRefused(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.Waiting, 1)})
	s.hold(t)
	c := s.dialInitializeEra(t, func(string) *mcp.ElicitationResult { t.Error("there was a prompt"); return acceptCode("") })
	got, err := s.callInitializeEra(t, c, "add_scan", s.newScan("Second"))
	if err != nil || !got.IsError || !strings.Contains(fmt.Sprint(got.Content), "wait for a decision already") {
		t.Errorf("%+v, %v", got, err)
	}
	s.onlyOpenChange(t, "token:ada")
}

// The outcome of a recorded change is never refused: the call returns the change as it is.
func TestACallThatCannotWaitReturnsItsChange(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.Waiting, 0), channels: []confirm.Channel{confirm.Slack}, policy: func(p *confirm.Policy) {
		p.Approvers = []string{"slack:T1/U1"}
	}})
	got := s.callTool(t, toolCall{tool: "add_scan", args: s.newScan("Elsewhere")}).wantStatus(t, "awaiting_confirmation")
	if got.ChangeID != s.onlyOpenChange(t, "token:ada").ID {
		t.Errorf("%+v", got)
	}
	s.wantLimited(t, limits.Waiting)
}

func TestWaitingCallsOverStdioAreBoundedAndOthersAreNot(t *testing.T) {
	s := newStackWith(t, options{bounds: func(b *limits.Bounds) {
		for limit := range b.Slots {
			slots(limit, 0)(b)
		}
		quota(limits.Requests, 1, time.Hour)(b)
	}})
	w := s.startStdio(t)
	w.initialize()
	for range 5 {
		w.request("tools/call", map[string]any{"name": "list_scans", "arguments": map[string]any{}})
		if got := w.read(); strings.Contains(string(got.Result), "refused") {
			t.Fatalf("got %s", got.Result)
		}
	}
	w.request("tools/call", map[string]any{"name": "get_change", "arguments": map[string]any{"change_id": "x", "wait_seconds": 1}})
	if got := w.read(); !strings.Contains(string(got.Result), "too many of your calls wait") {
		t.Errorf("got %s", got.Result)
	}
	s.wantLimited(t, limits.Waiting)
	w.closeAndWait()
}

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
	if !strings.Contains(got.Reason, "already wait for a person") || !strings.Contains(got.Reason, "try again") {
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

// newSession opens a session of ada and returns its id.
func (s *stack) newSession(t *testing.T) string {
	t.Helper()
	status, header := s.sendRaw(t, "POST", initializeRequest, nil)
	if id := header.Get("Mcp-Session-Id"); status == 200 && id != "" {
		return id
	}
	t.Fatalf("%d, no session", status)
	return ""
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.OpenSessions, 2)})
	in := func(session string) int {
		status, _ := s.sendRaw(t, "POST", listTools, withBearer(adaToken, session))
		return status
	}
	first, second := s.newSession(t), s.newSession(t)
	if got := in(first); got != 200 {
		t.Fatalf("in the first session: %d", got)
	}
	third := s.newSession(t)
	for name, want := range map[string]int{first: 200, second: 404, third: 200} {
		if got := in(name); got != want {
			t.Errorf("session %d of %d: %d, want %d", slices.Index([]string{first, second, third}, name)+1, 3, got, want)
		}
	}
	s.wantLimited(t, limits.OpenSessions)
}

// A session that its client ends makes room, and one that a request has used can be ended to make room.
func TestASessionThatIsNotInUseMakesRoom(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.OpenSessions, 1)})
	first := s.newSession(t)
	if status, _ := s.sendRaw(t, "DELETE", "", withBearer(adaToken, first)); status != 200 {
		t.Errorf("DELETE: %d", status)
	}
	second := s.newSession(t)
	s.wantLimited(t) // nothing had to be ended
	if status, _ := s.sendRaw(t, "POST", listTools, withBearer(adaToken, second)); status != 200 {
		t.Errorf("in the second session: %d", status)
	}
	s.newSession(t)
	s.wantLimited(t, limits.OpenSessions)
}

// A session whose user is prompted is not ended, however many others its owner opens.
func TestASessionWithAPromptIsNotEnded(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.OpenSessions, 1)})
	asked, answer := make(chan struct{}), make(chan struct{})
	c := s.dialInitializeEra(t, func(message string) *mcp.ElicitationResult {
		close(asked)
		<-answer
		return acceptCode(codeLine.FindStringSubmatch(message)[1])
	})
	ended := make(chan string, 1)
	go func() {
		got, err := s.callInitializeEra(t, c, "add_scan", s.newScan("Prompted"))
		ended <- fmt.Sprintf("%+v %v", got, err)
	}()
	<-asked
	got := s.postMessage(t, adaToken, []byte(initializeRequest), http.Header{})
	wantRetryLater(t, got, http.StatusTooManyRequests, "all of your sessions are in use")
	close(answer)
	if got := <-ended; !strings.Contains(got, "applied") {
		t.Error(got)
	}
	s.wantLimited(t, limits.OpenSessions)
}

func TestAnInitializeMessageIsBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	long := strings.Replace(initializeRequest, `"name":"test"`, `"name":"`+strings.Repeat("x", limits.HandshakeBytes)+`"`, 1)
	got := s.postMessage(t, adaToken, []byte(long), http.Header{})
	if got.status != http.StatusRequestEntityTooLarge || !strings.Contains(got.raw, "64 KiB") || got.header.Get("Retry-After") != "" {
		t.Errorf("%d %s", got.status, got.raw)
	}
	s.wantLimited(t, limits.Handshake)
}

// Failed requests are bounded by their address, and those with a token are served nevertheless.
func TestRequestsThatAreNotAuthenticatedAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	counts := map[int]int{}
	var last response
	for range 320 {
		last = s.list(t, "wrong-token-that-is-long")
		counts[last.status]++
	}
	if counts[401] < 300 || counts[401] > 310 || counts[401]+counts[429] != 320 {
		t.Errorf("statuses %v", counts)
	}
	wantRetryLater(t, last, http.StatusTooManyRequests, "from your address were not authenticated")
	if got := s.list(t, adaToken); got.status != 200 {
		t.Errorf("a caller at the same address: %d %s", got.status, got.raw)
	}
	s.wantLimited(t, limits.Unauthenticated)
	if n := strings.Count(s.log.String(), "\n"); n > 320 {
		t.Errorf("the log has %d lines", n)
	}
}
