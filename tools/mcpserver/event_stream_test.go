package mcpserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver"
)

// timedWriter is a response that records when bytes were sent.
type timedWriter struct {
	*httptest.ResponseRecorder
	last    time.Time
	longest time.Duration // the longest silence
}

func (w *timedWriter) Write(p []byte) (int, error) {
	w.longest = max(w.longest, time.Since(w.last))
	w.last = time.Now()
	return w.ResponseRecorder.Write(p)
}

// serveFor serves a request that is handled for as long as handle takes.
func serveFor(accept string, handle http.HandlerFunc) *timedWriter {
	w := &timedWriter{ResponseRecorder: httptest.NewRecorder(), last: time.Now()}
	r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	r.Header.Set("Accept", accept)
	mcpserver.ServeStreamForTest(w, r, handle)
	return w
}

const (
	bothTypes = "application/json, text/event-stream"
	answer    = `{"jsonrpc":"2.0","id":1,"result":{}}`
)

// writeJSON answers as the library does.
func writeJSON(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, answer+"\n")
}

// TestNoResponseIsSilentFor15Seconds, from the first second of the wait to the last, and also when the library writes
// events in between.
func TestNoResponseIsSilentFor15Seconds(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]http.HandlerFunc{
		"nothing before the answer": func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(10*time.Minute + time.Second)
			writeJSON(w)
		},
		"an event of the library": func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(14 * time.Second)
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "event: message\ndata: {\"method\":\"elicitation/create\"}\n\n")
			time.Sleep(14 * time.Second)
			_, _ = io.WriteString(w, "event: message\ndata: "+answer+"\n\n")
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := serveFor(bothTypes, handle)
			if w.longest > 15*time.Second {
				t.Errorf("%s: silent for %v", name, w.longest)
			}
			body := w.Body.String()
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/event-stream" || !strings.HasPrefix(body, ": waiting\n\n") {
				t.Errorf("%s: no stream of events: %d %v %.100q", name, w.Code, w.Header(), body)
			}
			if !strings.HasSuffix(body, "\n\nevent: message\ndata: "+answer+"\n\n") {
				t.Errorf("%s: the answer is not the last event: %q", name, body)
			}
			sent := w.Body.Len()
			time.Sleep(time.Minute)
			if w.Body.Len() != sent {
				t.Errorf("%s: bytes follow the answer", name)
			}
		})
	}
}

// TestAnAnswerInTimeStaysAsItIs: status, type and body; so does one to a client that takes no events.
func TestAnAnswerInTimeStaysAsItIs(t *testing.T) {
	t.Parallel()
	for accept, wait := range map[string]time.Duration{bothTypes: 9 * time.Second, "application/json": time.Minute, "": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := serveFor(accept, func(w http.ResponseWriter, _ *http.Request) { time.Sleep(wait); writeJSON(w) })
			if w.Code != http.StatusBadRequest || w.Header().Get("Content-Type") != "application/json" || w.Body.String() != answer+"\n" {
				t.Errorf("accept %q: %d %v %q", accept, w.Code, w.Header(), w.Body)
			}
		})
	}
}

// openSession opens an initialize-era session of a client without prompts, and returns the headers of its requests.
func (s *stack) openSession(t *testing.T) http.Header {
	t.Helper()
	got := s.postMessage(t, "", []byte(initializeRequest), http.Header{})
	return http.Header{"Mcp-Session-Id": {got.header.Get("Mcp-Session-Id")}, "Mcp-Protocol-Version": {"2025-06-18"}}
}

// openCall posts a tools/call and returns the lines of the response as they arrive.
func (s *stack) openCall(t *testing.T, header http.Header, params map[string]any) *bufio.Scanner {
	t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	req.Header.Set("Authorization", "Bearer "+adaToken)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", bothTypes)
	res, err := (&http.Client{Timeout: time.Minute}).Do(req) // only a failure takes that long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return lines
}

// nextLine returns the next line that is not empty and no comment.
func nextLine(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, ":") {
			return line
		}
	}
	t.Fatalf("the response has ended: %v", lines.Err())
	return ""
}

// getChange returns the parameters of a call that waits for a change.
func getChange(id string, meta map[string]any) map[string]any {
	return map[string]any{"name": "get_change", "arguments": map[string]any{"change_id": id, "wait_seconds": 50}, "_meta": meta}
}

var modernMeta = map[string]any{
	"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": map[string]any{},
}

// TestAWaitingCallSendsBytes without a progress token, in both eras, and still answers.
func TestAWaitingCallSendsBytes(t *testing.T) {
	t.Parallel()
	for _, era := range []string{"initialize", "2026-07-28"} {
		s := newStackWith(t, options{keepAlive: 20 * time.Millisecond, channels: []confirm.Channel{confirm.Slack}, policy: slackApprover})
		header, meta := s.openSession(t), map[string]any{}
		if era != "initialize" {
			header, meta = http.Header{"Mcp-Protocol-Version": {era}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {"get_change"}}, modernMeta
		}
		c := s.proposed(t)
		lines := s.openCall(t, header, getChange(c.ID, meta)) // returns with the first byte
		for n := 0; n < 3; {
			if !lines.Scan() {
				t.Fatalf("%s: the response has ended after %d comments: %v", era, n, lines.Err())
			}
			if strings.HasPrefix(lines.Text(), ":") {
				n++
			}
		}
		s.withdraw(t, c)
		if line := nextLine(t, lines); line != "event: message" {
			t.Fatalf("%s: got %q", era, line)
		}
		if line := nextLine(t, lines); !strings.Contains(line, `"id":7`) || !strings.Contains(line, `"withdrawn"`) {
			t.Errorf("%s: got %q", era, line)
		}
	}
}

// commentTransport reports each keep-alive comment that its client reads.
type commentTransport struct{ seen chan struct{} }

func (c commentTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		res.Body = &commentBody{res.Body, c.seen}
	}
	return res, err
}

// commentBody is the body of a response. The server writes each comment at once, so that one is not split between reads.
type commentBody struct {
	io.ReadCloser
	seen chan struct{}
}

func (b *commentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if strings.Contains(string(p[:n]), ": waiting") {
		select {
		case b.seen <- struct{}{}:
		default: // the test does not wait for one
		}
	}
	return n, err
}

// TestAPromptStaysOpen: an initialize-era call that has prompted its user sends bytes, too, and its client ignores them. The
// user answers only after three comments have come.
func TestAPromptStaysOpen(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{keepAlive: 10 * time.Millisecond})
	seen := make(chan struct{})
	c := s.dialInitializeEra(t, func(message string) *mcp.ElicitationResult {
		for n := range 3 {
			select {
			case <-seen:
			case <-time.After(time.Minute): // only a failure takes that long
				t.Errorf("%d comments while the user reads", n)
				return &mcp.ElicitationResult{}
			}
		}
		s.think()
		return acceptCode(codeLine.FindStringSubmatch(message)[1])
	}, transport.WithHTTPBasicClient(&http.Client{Transport: commentTransport{seen}}))
	if got, err := s.callInitializeEra(t, c, "add_scan", s.newScan("Kept alive")); err != nil || got.IsError {
		t.Fatalf("%+v, %v", got, err)
	}
	s.wantWrites(t, 1)
}

// TestProgressGoesToItsOwnCall: two calls of one session wait, and each response has the progress of its own call.
func TestProgressGoesToItsOwnCall(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{channels: []confirm.Channel{confirm.Slack}, policy: slackApprover})
	header := s.openSession(t)
	c := s.proposed(t)
	began := time.Now()
	var calls []*bufio.Scanner
	for i := range 8 {
		calls = append(calls, s.openCall(t, header, getChange(c.ID, map[string]any{"progressToken": fmt.Sprint("call ", i)})))
	}
	for i, lines := range calls {
		nextLine(t, lines)
		var got struct {
			Method string
			Params struct {
				ProgressToken, Message string
				Progress               float64
			}
		}
		line := nextLine(t, lines)
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &got); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		p := got.Params
		if got.Method != "notifications/progress" || p.ProgressToken != fmt.Sprint("call ", i) || p.Message != "waiting for the outcome" {
			t.Errorf("response %d has %s", i, line)
		}
		if p.Progress <= 0 || p.Progress > time.Since(began).Seconds()+1 {
			t.Errorf("progress is %v, want the seconds since the call", p.Progress)
		}
	}
	s.withdraw(t, c)
	for i, lines := range calls {
		nextLine(t, lines)
		if line := nextLine(t, lines); !strings.Contains(line, `"withdrawn"`) {
			t.Errorf("response %d: %q", i, line)
		}
	}
}

func slackApprover(p *confirm.Policy) { p.Approvers = []string{"slack:T1/U1"} }

// proposed returns a change that waits for an approver in Slack.
func (s *stack) proposed(t *testing.T) confirm.Change {
	t.Helper()
	args, err := json.Marshal(s.newScan("Waits"))
	if err != nil {
		t.Fatal(err)
	}
	by := confirm.Requester{Principal: "token:ada", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.Slack}}
	c, err := s.Service.Propose(t.Context(), by, "add_scan", args)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *stack) withdraw(t *testing.T, c confirm.Change) {
	t.Helper()
	if _, err := s.Gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: "token:ada"}); err != nil {
		t.Fatal(err)
	}
}
