package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"scanwarden/confirm"
)

const (
	// maxMessage bounds one JSON-RPC message in bytes. The library has no limit.
	maxMessage = 1 << 20
	// drainTimeout bounds the wait, after the end of input, for the answers to calls that were read before.
	drainTimeout = 10 * time.Second
	// startTimeout bounds the wait for such calls to start.
	startTimeout = 250 * time.Millisecond
)

// stdioInUse guards the library's only stdio session of a process.
var stdioInUse atomic.Bool

// ServeStdio serves the client at in and out, as principal, until in ends or ctx is done. After the end of in, it
// first answers the calls that were read before. Calls that wait for an approver end without an answer. It returns
// an error if this process already serves a stdio client.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer, principal confirm.Principal) error {
	if !stdioInUse.CompareAndSwap(false, true) {
		return errors.New("serve stdio: a process can serve only one stdio client")
	}
	defer stdioInUse.Store(false)
	std := server.NewStdioServer(s.mcp)
	std.SetErrorLogger(slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn))
	// A call that waits for an approver occupies a worker, and a full queue would block the reader that must
	// receive the answer. So both are far larger than the number of changes that one requester may have open.
	server.WithWorkerPoolSize(40)(std)
	server.WithQueueSize(10000)(std)
	ctx = withCaller(ctx, callerIdentity{principal: principal, source: confirm.SourceStdio, local: true})
	answers := &lockedWriter{w: out}
	err := std.Listen(ctx, &lineReader{in: bufio.NewReaderSize(in, 64<<10), ctx: ctx, calls: &s.calls, answers: answers}, answers)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve stdio: %w", err)
	}
	return nil
}

// lineReader returns complete lines of bounded length. It delays the end of input until active calls are answered.
type lineReader struct {
	in        *bufio.Reader
	ctx       context.Context
	calls     *activeCalls
	answers   io.Writer // takes the responses to requests whose id the library would not return exactly
	toolCalls int       // tool calls returned so far
	rest      []byte
}

// Read implements io.Reader.
func (l *lineReader) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		line, err := l.readLine()
		if err != nil {
			return 0, err
		}
		l.rest = line
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// readLine returns the next line that the library can answer, and answers the others itself.
func (l *lineReader) readLine() ([]byte, error) {
	for {
		line, err := l.readAnyLine()
		id := inexactID(line)
		if err != nil || id == nil {
			if bytes.Contains(line, []byte(`"tools/call"`)) {
				l.toolCalls++
			}
			return line, err
		}
		if _, err := l.answers.Write(inexactIDError(id)); err != nil {
			return nil, fmt.Errorf("answer a request: %w", err)
		}
	}
}

// readAnyLine returns the next line. It truncates a line that is too long; the library answers that as a parse error.
func (l *lineReader) readAnyLine() ([]byte, error) {
	var line []byte
	for {
		part, err := l.in.ReadSlice('\n')
		if room := maxMessage - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && len(line) == 0:
			return nil, l.drainCalls(err)
		}
		if !bytes.HasSuffix(line, []byte("\n")) {
			line = append(line, '\n')
		}
		return line, nil
	}
}

// drainCalls waits for the answers to the calls that were read, because the library cancels all calls when input
// ends. It then returns err. A call that the library itself refuses never starts, so the wait for the start is
// short.
func (l *lineReader) drainCalls(err error) error {
	ctx, cancel := context.WithTimeout(l.ctx, drainTimeout)
	defer cancel()
	startCtx, cancelStart := context.WithTimeout(ctx, startTimeout)
	defer cancelStart()
	if l.calls.waitIdle(startCtx, l.toolCalls) != nil {
		_ = l.calls.waitIdle(ctx, 0) // the library cancels calls without an answer by then
	}
	return err
}

// lockedWriter serializes messages: the library writes elicitations without taking its own lock.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
