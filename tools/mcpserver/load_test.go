package mcpserver_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
)

const (
	greedyConnections = 64
	maxSlowdown       = 2.0 // bound on the ordinary caller's time beside a greedy one, by its quiet time
)

// greedyCaller sends as many requests as it can over its connections: reads, proposals that it withdraws, sessions
// with long names, and calls that wait.
type greedyCaller struct {
	stack   *stack
	client  *http.Client
	bodies  [][]byte
	sent    atomic.Int64
	refused atomic.Int64
}

func newGreedyCaller(t testing.TB, s *stack) *greedyCaller {
	t.Helper()
	g := &greedyCaller{stack: s, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: greedyConnections}}}
	c, err := s.Gate.Propose(t.Context(), confirm.Proposal{Operation: "add_scan", Target: "simulator"},
		confirm.Requester{Principal: "token:bob", Channels: clientAndSlack})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []map[string]any{
		{"name": "list_scans", "arguments": map[string]any{}},
		{"name": "scan_history", "arguments": map[string]any{"scanDefinitionIds": []string{"none"}}},
		{"name": "get_change", "arguments": map[string]any{"change_id": c.ID, "wait_seconds": 50}},
		{"name": "add_scan", "arguments": s.newScan("Greedy")},
	} {
		call["_meta"] = map[string]any{
			"io.modelcontextprotocol/protocolVersion":    "2026-07-28",
			"io.modelcontextprotocol/clientCapabilities": map[string]any{"elicitation": map[string]any{}},
		}
		body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
		if err != nil {
			t.Fatal(err)
		}
		g.bodies = append(g.bodies, body)
	}
	g.bodies = append(g.bodies, []byte(strings.Replace(initializeRequest, `"test"`, `"`+strings.Repeat("x", 32<<10)+`"`, 1)))
	return g
}

// start sends requests until stop is called.
func (g *greedyCaller) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for i := range greedyConnections {
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
	g.sent.Add(1)
	if res.StatusCode == http.StatusTooManyRequests {
		g.refused.Add(1)
	}
}

// proposeAndConfirm returns the median time in which ada proposes and confirms a change.
func (s *stack) proposeAndConfirm(t testing.TB, n int) time.Duration {
	t.Helper()
	var took []time.Duration
	for range n {
		began := time.Now()
		s.callAndConfirm(t, "add_scan", s.newScan("Ordinary")).wantStatus(t, "applied")
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[n/2]
}

// slowdown returns how much slower the ordinary caller is beside the greedy one.
func (s *stack) slowdown(t testing.TB, g *greedyCaller) float64 {
	t.Helper()
	quiet := s.proposeAndConfirm(t, 20)
	stop := g.start(t.Context())
	defer stop()
	for g.sent.Load() < 2000 { // the greedy caller uses up its burst first
		s.proposeAndConfirm(t, 1)
	}
	loaded := s.proposeAndConfirm(t, 200)
	t.Logf("quiet %v, beside a greedy caller %v (%d requests, %d refused)", quiet, loaded, g.sent.Load(), g.refused.Load())
	return float64(loaded) / float64(quiet)
}

func TestAGreedyCallerDoesNotSlowAnotherDown(t *testing.T) {
	s := newStackWith(t, options{policy: func(p *confirm.Policy) { p.Approvers = []string{"token:ada"} }})
	g := newGreedyCaller(t, s)
	if got := s.slowdown(t, g); got >= maxSlowdown {
		t.Errorf("%.1f times slower", got)
	}
}
