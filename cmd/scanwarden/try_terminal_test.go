package main

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"scanwarden/cmd/scanwarden/internal/terminal"
)

// terminalSession is a program on a pseudo-terminal of 24 rows and 80 columns.
type terminalSession struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  io.Writer
	more chan struct{} // receives after each read
	mu   sync.Mutex
	all  []byte // everything that it printed
	seen int    // how much of it expect has passed
}

const rows, columns = 24, 80

// startTerminal starts `scanwarden ARGS...` on a pseudo-terminal.
func startTerminal(t *testing.T, env []string, args ...string) *terminalSession {
	t.Helper()
	return startTerminalOfWidth(t, columns, env, args...)
}

// startTerminalOfWidth is startTerminal for a terminal with this many columns.
func startTerminalOfWidth(t *testing.T, width uint16, env []string, args ...string) *terminalSession {
	t.Helper()
	cmd := exec.Command(programPath(t), args...)
	cmd.Env = append([]string{"TERM=xterm-256color", "TMPDIR=" + t.TempDir()}, env...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: width})
	if err != nil {
		t.Skip("no pseudo-terminal to be had: ", err)
	}
	s := &terminalSession{t: t, cmd: cmd, tty: tty, more: make(chan struct{}, 1)}
	t.Cleanup(func() { _ = cmd.Process.Kill(); tty.Close() })
	go func() {
		defer close(s.more)
		for buf := make([]byte, 4096); ; {
			n, err := tty.Read(buf)
			s.mu.Lock()
			s.all = append(s.all, buf[:n]...)
			s.mu.Unlock()
			if err != nil {
				return // the program has ended
			}
			select {
			case s.more <- struct{}{}:
			default:
			}
		}
	}()
	return s
}

// expect waits until the program has printed text since the last expect, and returns everything up to its end.
func (s *terminalSession) expect(text string) string {
	s.t.Helper()
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		all, at := string(s.all), bytes.Index(s.all[s.seen:], []byte(text))
		if at >= 0 {
			s.seen += at + len(text)
			all = all[:s.seen]
		}
		s.mu.Unlock()
		if at >= 0 {
			return all
		}
		select {
		case _, running := <-s.more:
			if !running {
				s.t.Fatalf("it ended without %q:\n%s", text, all)
			}
		case <-late:
			s.t.Fatalf("it does not print %q:\n%s", text, all)
		}
	}
}

// write types text.
func (s *terminalSession) write(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, text); err != nil {
		s.t.Fatal(err)
	}
}

// end waits for the end of the program, and returns everything that it printed and its exit code.
func (s *terminalSession) end() (string, int) {
	s.t.Helper()
	for range s.more {
	}
	err := s.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return string(s.all), s.cmd.ProcessState.ExitCode()
}

var reStyle = regexp.MustCompile("\x1b\\[[0-9;]*m")

// screenLines returns what a terminal shows of text: lines without styles, folded at the last column. It fails on any
// escape sequence that is not a style.
func screenLines(t *testing.T, text string) []string {
	t.Helper()
	plain := strings.ReplaceAll(reStyle.ReplaceAllString(text, ""), "\r\n", "\n")
	if strings.ContainsAny(plain, "\x1b\r\t") {
		t.Errorf("more than lines and styles is printed: %q", plain)
	}
	var lines []string
	for line := range strings.SplitSeq(plain, "\n") {
		for terminal.Width(line) > columns {
			lines, line = append(lines, line[:columns]), line[columns:]
		}
		lines = append(lines, line)
	}
	return lines
}

// screen returns what stands on the screen after text: its last lines.
func screen(t *testing.T, text string) string {
	t.Helper()
	lines := screenLines(t, text)
	return strings.Join(lines[max(len(lines)-rows, 0):], "\n")
}

var reCode = regexp.MustCompile(`Type ([A-Z0-9]{5}) to apply it, or Enter to refuse: $`)

// question waits for the question, checks that its headline is on the same screen, and returns the code.
func (s *terminalSession) question(headline, sentence string) string {
	s.t.Helper()
	all := s.expect("Enter to refuse: ")
	shown := screen(s.t, all)
	found := reCode.FindStringSubmatch(shown)
	if found == nil || !strings.Contains(shown, headline) || !strings.Contains(shown, "\n"+sentence+"\nType ") {
		s.t.Fatalf("the screen at the question has not %q, %q and a code:\n%s", headline, sentence, shown)
	}
	return found[1]
}

// TestTryOnATerminal goes through the tour as a person does at 80x24: the headline and the question are on one screen, the
// person types codes, "maybe" decides nothing, an edit by someone else makes a change stale, and the assistant cannot
// confirm by itself.
func TestTryOnATerminal(t *testing.T) {
	t.Parallel()
	s := startTerminal(t, nil, "try")
	code := s.question(`Add scan "Branch switches"`, `Add "Branch switches": 3 addresses, every 8 hours`)
	s.write("maybe\n")
	s.expect("\"maybe\" is neither " + code + " nor Enter. Nothing is decided")
	s.expect("Enter to refuse: ")
	s.write(strings.ToLower(code) + "\n")
	s.expect("\x1b[32mapplied\x1b[0m  sent once")
	s.expect("Enter for step 2")
	s.write("\n")

	code = s.question(`Update scan "Core switches"`, `Update "Core switches": intervalInHours 4 -> 24`)
	if all := string(s.all); !strings.Contains(all, "\x1b[31m- 4\x1b[0m") || !strings.Contains(all, "\x1b[32m+ 24\x1b[0m") || !strings.Contains(all, "\x1b[36m"+code+"\x1b[0m") {
		t.Error("what changes is not colored, or the code is not")
	}
	s.write(code[:2] + " " + code[2:] + "\n")
	s.expect("Enter for step 3")
	s.write("\n")

	s.question(`Delete 1 scan`, `Delete "Branch switches", for good`)
	s.write("no\n")
	s.expect("nothing was sent")
	s.expect("Enter for step 4")
	s.write("\n")

	code = s.question(`Update scan "Branch routers"`, `Update "Branch routers": intervalInHours 8 -> 12`)
	s.write(code + "\n")
	s.expect("Meanwhile the colleague has set intervalInHours of this scan from 8 to 6.")
	s.expect("\x1b[33mstale\x1b[0m  nothing was sent")
	s.expect("Enter for step 5")
	s.write("\n")

	s.expect("there is no such tool")
	s.expect("the code is not in the result")
	s.expect("nothing was sent")
	s.expect("Enter for the end")
	s.write("\n")
	all, exit := s.end()
	if shown := screen(t, all); exit != 0 || !strings.Contains(shown, "2 changes applied, 1 refused, 2 writes reached the tenant") {
		t.Errorf("exit %d, the end:\n%s", exit, shown)
	}
	for _, line := range strings.Split(reStyle.ReplaceAllString(all, ""), "\r\n") {
		if terminal.Width(line) > columns {
			t.Errorf("%d columns: %s", terminal.Width(line), line)
		}
	}
}

// TestTryPlainOnATerminal: with NO_COLOR and TERM=dumb a terminal gets no escape sequence, and asks for the code all the same.
func TestTryPlainOnATerminal(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"NO_COLOR=1", "TERM=dumb"} {
		s := startTerminal(t, []string{env}, "try")
		s.question(`Add scan "Branch switches"`, `Add "Branch switches": 3 addresses, every 8 hours`)
		s.write("\x03")
		if all, exit := s.end(); strings.Contains(all, "\x1b") || exit != exitInterrupted {
			t.Errorf("%s: exit %d, %q", env, exit, all)
		}
	}
}

// TestTryInterrupted: Ctrl-C exits with 130 and says what was sent and what was not.
func TestTryInterrupted(t *testing.T) {
	t.Parallel()
	s := startTerminal(t, nil, "try")
	s.question(`Add scan "Branch switches"`, `Add "Branch switches": 3 addresses, every 8 hours`)
	s.write("\x03")
	if all, exit := s.end(); exit != 130 || !strings.Contains(all, "\nscanwarden: stopped: nothing was sent; nothing was sent for step 1, add_scan; nothing is kept") {
		t.Errorf("exit %d:\n%s", exit, all)
	}

	s = startTerminal(t, nil, "try")
	s.write(s.question(`Add scan "Branch switches"`, `Add "Branch switches": 3 addresses, every 8 hours`) + "\n")
	s.expect("Enter for step 2")
	s.write("\n")
	s.question(`Update scan "Core switches"`, `Update "Core switches": intervalInHours 4 -> 24`)
	s.write("\x03")
	const says = "\nscanwarden: stopped: 1 change was sent to the simulated tenant before (add_scan); nothing was sent for step 2, update_scan; nothing is kept"
	if all, exit := s.end(); exit != 130 || !strings.Contains(all, says) {
		t.Errorf("exit %d:\n%s", exit, all)
	}
}
