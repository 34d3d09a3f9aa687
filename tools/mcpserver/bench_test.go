package mcpserver_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

const loadCallers = 16

// BenchmarkReadToolOverHTTP is list_scans over HTTP, for 16 callers at once, beside a bare mcp-go tool that
// returns the same bytes. Both are driven in turns in one run: machines are noisy, the ratio is not.
//
// COMPARE: "x-bare" is our rate divided by the bare one; the design asks for at least 0.6.
func BenchmarkReadToolOverHTTP(b *testing.B) {
	s := newStack(b)
	for range 20 {
		s.Tenant.AddScan(map[string]any{"target": "10.0.0.1,10.0.0.2"})
	}
	answer := s.callTool(b, toolCall{tool: "list_scans", args: map[string]any{}})
	bare := bareServer(b, answer.Result.Structured)
	ours, theirs := newLoad(s.url, "list_scans"), newLoad(bare, "list_scans")
	ours.callMany(b, 200)
	theirs.callMany(b, 200)
	var spent, spentBare time.Duration
	for b.Loop() {
		spent += ours.callMany(b, 400)
		spentBare += theirs.callMany(b, 400)
	}
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N*400), "us/call")
	b.ReportMetric(float64(spentBare)/float64(spent), "x-bare")
}

// bareServer has one tool, nothing in front, and the same answer.
func bareServer(b *testing.B, body []byte) string {
	b.Helper()
	s := server.NewMCPServer("bare", "1")
	s.AddTool(mcp.NewTool("list_scans"), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultStructured(rawJSON(body), string(body)), nil
	})
	web := httptest.NewServer(server.NewStreamableHTTPServer(s, server.WithDisableStreaming(true)))
	b.Cleanup(web.Close)
	return web.URL
}

type rawJSON []byte

func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// clientLoad drives one server with the very same bytes for every call.
type clientLoad struct {
	url    string
	client *http.Client
	tool   string
	body   []byte
}

func newLoad(url, tool string) *clientLoad {
	return &clientLoad{
		url: url, tool: tool,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: loadCallers}},
		body: []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{},"_meta":{
			"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`),
	}
}

// callMany makes n calls, shared by the callers, and returns how long they took together.
func (l *clientLoad) callMany(b *testing.B, n int) time.Duration {
	b.Helper()
	start := time.Now()
	var all sync.WaitGroup
	for range loadCallers {
		all.Go(func() {
			for range n / loadCallers {
				if err := l.callOnce(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

func (l *clientLoad) callOnce() error {
	req, err := http.NewRequest(http.MethodPost, l.url, bytes.NewReader(l.body))
	if err != nil {
		return err
	}
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
		"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {l.tool},
		"Authorization": {"Bearer " + adaToken},
	}
	res, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
