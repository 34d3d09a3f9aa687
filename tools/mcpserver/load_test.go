package mcpserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/internal/limits"
)

const (
	// greedyWaiters and greedySenders are the connections of a greedy caller.
	greedyWaiters = 32
	greedySenders = 64
	// greedyRequests is how many answers a greedy caller has received when greedyCaller.enough is closed.
	greedyRequests = 200
)

// greedyCaller sends as many requests as it can over its connections: reads, proposals, sessions with long names, and
// calls that wait.
type greedyCaller struct {
	stack   *stack
	client  *http.Client
	wait    []byte
	bodies  [][]byte
	sent    atomic.Int64
	refused atomic.Int64
	limited chan struct{} // closed at the first refusal
	enough  chan struct{} // closed after greedyRequests answers
	once    sync.Once
}

func newGreedyCaller(t testing.TB, s *stack) *greedyCaller {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: greedyWaiters + greedySenders}
	g := &greedyCaller{stack: s, client: &http.Client{Transport: transport}, limited: make(chan struct{}), enough: make(chan struct{})}
	c, err := s.Gate.Propose(t.Context(), confirm.Proposal{Operation: "add_scan", Target: "simulator"},
		confirm.Requester{Principal: "token:bob", Channels: clientAndSlack})
	if err != nil {
		t.Fatal(err)
	}
	g.wait = toolCallBody(t, "get_change", map[string]any{"change_id": c.ID, "wait_seconds": 50})
	g.bodies = [][]byte{
		toolCallBody(t, "list_scans", map[string]any{}),
		toolCallBody(t, "scan_history", map[string]any{"scanDefinitionIds": []string{"none"}}),
		toolCallBody(t, "add_scan", s.newScan("Greedy")),
		longInitializeRequest(),
	}
	return g
}

// longInitializeRequest returns an initialize message with a long name and thousands of capabilities, which need much
// more memory when they are decoded.
func longInitializeRequest() []byte {
	var experimental []string
	for i := range 3000 {
		experimental = append(experimental, fmt.Sprintf(`"%d":{}`, i))
	}
	long := strings.Replace(initializeRequest, `"test"`, `"`+strings.Repeat("x", 16<<10)+`"`, 1)
	return []byte(strings.Replace(long, `"elicitation":{}`, `"elicitation":{},"experimental":{`+strings.Join(experimental, ",")+`}`, 1))
}

func toolCallBody(t testing.TB, tool string, args any) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{
		"name": tool, "arguments": args, "_meta": map[string]any{
			"io.modelcontextprotocol/protocolVersion":    "2026-07-28",
			"io.modelcontextprotocol/clientCapabilities": map[string]any{"elicitation": map[string]any{}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// start sends requests until stop is called.
func (g *greedyCaller) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for range greedyWaiters {
		all.Go(func() {
			for ctx.Err() == nil {
				g.send(ctx, g.wait)
			}
		})
	}
	for i := range greedySenders {
		all.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				g.send(ctx, g.bodies[n%len(g.bodies)])
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

func (g *greedyCaller) send(ctx context.Context, body []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.stack.url, strings.NewReader(string(body)))
	if err != nil {
		return
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + bobToken}}
	var msg struct{ Params struct{ Name string } }
	if json.Unmarshal(body, &msg) == nil && msg.Params.Name != "" {
		req.Header.Set("Mcp-Protocol-Version", "2026-07-28")
		req.Header.Set("Mcp-Method", "tools/call")
		req.Header.Set("Mcp-Name", msg.Params.Name)
	}
	res, err := g.client.Do(req)
	if err != nil {
		return // the connection was closed, or the test is over
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode == http.StatusTooManyRequests {
		g.refused.Add(1)
		g.once.Do(func() { close(g.limited) })
	}
	if g.sent.Add(1) == greedyRequests {
		close(g.enough)
	}
}

// proposeAndConfirm appends the times in which ada proposes and confirms n changes.
func (s *stack) proposeAndConfirm(t testing.TB, n int, took []time.Duration) []time.Duration {
	t.Helper()
	for range n {
		began := time.Now()
		s.callAndConfirm(t, "add_scan", s.newScan("Ordinary")).wantStatus(t, "applied")
		took = append(took, time.Since(began))
	}
	return took
}

// slowdown returns how much slower the ordinary caller is beside the greedy one. Both are measured in turns, because
// the machine is noisy: n changes alone and three times as many beside it, three times. The greedy caller uses up its
// burst first.
func (s *stack) slowdown(t testing.TB, g *greedyCaller, n int) float64 {
	t.Helper()
	s.list(t, adaToken) // the request rate of a caller is not bounded while there is no other one
	stop := g.start(t.Context())
	select {
	case <-g.limited:
	case <-time.After(3 * time.Second): // the greedy caller is too slow to be limited, or nothing limits it
	}
	stop()
	var quiet, loaded []time.Duration
	for range 3 {
		quiet = s.proposeAndConfirm(t, n, quiet)
		stop := g.start(t.Context())
		loaded = s.proposeAndConfirm(t, 3*n, loaded)
		stop()
	}
	slices.Sort(quiet)
	slices.Sort(loaded)
	alone, beside := quiet[len(quiet)/2], loaded[len(loaded)/2]
	t.Logf("alone %v, beside a greedy caller %v (%d requests, %d answered with 429; refusals %v)", alone, beside, g.sent.Load(), g.refused.Load(), s.limited.all())
	return float64(beside) / float64(alone)
}

// keepActive sends a request as ada every ten seconds until done is closed, and once afterwards. A caller that has the server
// to itself for a minute is not refused.
func (s *stack) keepActive(t testing.TB, done <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for open := true; open; {
		select {
		case <-done:
			open = false
		case <-tick.C:
		}
		if got := s.list(t, adaToken); got.status != http.StatusOK {
			t.Errorf("a caller beside a greedy one: %d %s", got.status, got.raw)
		}
	}
}

// TestAGreedyCallerIsRefusedAndAnotherIsNot: while one caller sends all it can over 96 connections, nearly all of it is
// refused above its rate, and each change of another caller is applied. BenchmarkOrdinaryBesideGreedy measures the time.
func TestAGreedyCallerIsRefusedAndAnotherIsNot(t *testing.T) {
	const burst = 60
	s := newStackWith(t, options{bounds: quota(limits.Requests, burst, time.Hour)})
	s.list(t, adaToken) // the request rate of a caller is not bounded while there is no other one
	g := newGreedyCaller(t, s)
	stop := g.start(t.Context())
	s.proposeAndConfirm(t, 3, nil)
	s.keepActive(t, g.enough)
	stop()
	if sent, refused := g.sent.Load(), g.refused.Load(); refused < sent-2*burst {
		t.Errorf("%d of %d requests were refused, want all above a burst of %d and what an hour refills", refused, sent, burst)
	}
	if s.limited.all()[string(limits.Requests)] == 0 {
		t.Errorf("no refusal of the request rate was counted: %v", s.limited.all())
	}
}

// BenchmarkOrdinaryBesideGreedy is a change that one caller proposes and confirms over HTTP, alone and beside a caller
// that sends all it can over 96 connections.
//
// COMPARE: "x-alone" is the time beside the greedy caller divided by the time alone; the design asks for less than 2.
func BenchmarkOrdinaryBesideGreedy(b *testing.B) {
	var sum float64
	for b.Loop() {
		s := newStack(b)
		sum += s.slowdown(b, newGreedyCaller(b, s), 15)
	}
	b.ReportMetric(sum/float64(b.N), "x-alone")
	b.ReportMetric(0, "ns/op")
}

// keptBytes returns the bytes that are in use after a garbage collection.
func keptBytes() int64 {
	runtime.GC()
	runtime.GC() // the first one only moves the contents of pools aside
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The sessions of one caller need a bounded memory, however many it opens and however long the client's name is.
func TestManySessionsNeedABoundedMemory(t *testing.T) {
	const attempts, connections, most = 800, 16, 4 << 20
	s := newStackWith(t, options{bounds: anyRequestRate})
	g := newGreedyCaller(t, s)
	before := keptBytes()
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for range attempts / connections {
				g.send(t.Context(), g.bodies[3])
			}
		})
	}
	all.Wait()
	g.client.CloseIdleConnections()
	kept := keptBytes() - before
	t.Logf("%d of %d attempts opened a session; %d KiB are kept", g.sent.Load()-g.refused.Load(), attempts, kept>>10)
	if kept > most {
		t.Errorf("%d KiB are kept, want at most %d", kept>>10, most>>10)
	}
}
