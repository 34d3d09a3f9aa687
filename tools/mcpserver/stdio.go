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
	// maxMessage bounds one line of JSON-RPC; the library has no limit of its own.
	maxMessage = 1 << 20
	// drainTimeout is how long calls that were read before the end of input may still answer.
	drainTimeout = 10 * time.Second
	// startTimeout is how long such calls may take to begin.
	startTimeout = 250 * time.Millisecond
)

// stdioInUse guards the library's one stdio session of a process.
var stdioInUse atomic.Bool

// ServeStdio serves the one client at in and out, as principal, until in ends or ctx is done. Calls that were
// read before in ended are answered first; those that wait for a person end without an answer.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer, principal confirm.Principal) error {
	if !stdioInUse.CompareAndSwap(false, true) {
		return errors.New("serve stdio: a process can serve only one stdio client")
	}
	defer stdioInUse.Store(false)
	std := server.NewStdioServer(s.mcp)
	std.SetErrorLogger(slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn))
	// A call that waits for a person keeps its worker, and a full queue would block the reader that has to
	// bring the answer: so both are far larger than the number of changes one requester may have open.
	server.WithWorkerPoolSize(40)(std)
	server.WithQueueSize(10000)(std)
	ctx = withCaller(ctx, callerIdentity{principal: principal, source: confirm.SourceStdio, local: true})
	err := std.Listen(ctx, &lineReader{in: bufio.NewReaderSize(in, 64<<10), ctx: ctx, calls: &s.calls}, &lockedWriter{w: out})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve stdio: %w", err)
	}
	return nil
}

// lineReader hands on whole lines, bounds them, and holds back the end of input while calls are being worked on.
type lineReader struct {
	in        *bufio.Reader
	ctx       context.Context
	calls     *activeCalls
	toolCalls int // tool calls handed on
	rest      []byte
}

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

// readLine returns the next line. An over-long one is cut, so that it is answered as the parse error it then is.
func (l *lineReader) readLine() ([]byte, error) {
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
		if bytes.Contains(line, []byte(`"tools/call"`)) {
			l.toolCalls++
		}
		return line, nil
	}
}

// drainCalls waits for the answers to what was read: the library cancels every call the moment input ends. A call
// that the library itself refuses is never worked on, so the wait for the first is short.
func (l *lineReader) drainCalls(err error) error {
	ctx, cancel := context.WithTimeout(l.ctx, drainTimeout)
	defer cancel()
	taken, cancelTaken := context.WithTimeout(ctx, startTimeout)
	defer cancelTaken()
	if l.calls.waitIdle(taken, l.toolCalls) != nil {
		_ = l.calls.waitIdle(ctx, 0) // what is not answered by then is cancelled
	}
	return err
}

// lockedWriter keeps messages whole: the library writes elicitations past its own lock.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
