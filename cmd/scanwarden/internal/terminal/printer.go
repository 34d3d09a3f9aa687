package terminal

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// The bounds of a line in columns.
const (
	defaultWidth = 80  // without a terminal
	minWidth     = 40  // a narrower terminal wraps by itself
	maxWidth     = 100 // text that runs over a wider screen is hard to read
)

// Printer prints lines: with styles on a terminal, plain in a pipe, with NO_COLOR and with TERM=dumb.
type Printer struct {
	out   io.Writer
	color bool
	width int
	err   error
}

// NewPrinter returns a printer on out. env is the environment of the process. Outside a terminal, COLUMNS sets the width.
func NewPrinter(out io.Writer, env map[string]string) *Printer {
	p := &Printer{out: out, width: defaultWidth}
	if n, err := strconv.Atoi(env["COLUMNS"]); err == nil && n >= minWidth {
		p.width = n
	}
	if IsTerminal(out) {
		p.color = env["NO_COLOR"] == "" && env["TERM"] != "dumb"
		if columns, _, err := term.GetSize(int(out.(*os.File).Fd())); err == nil && columns > 0 {
			p.width = min(max(columns, minWidth), maxWidth)
		}
	}
	return p
}

// IsTerminal reports whether stream is a terminal. Unlike a test for a character device, it is false for /dev/null.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns how many columns a line may have.
func (p *Printer) Width() int { return p.width }

// Print prints lines, each with a line break behind it and no spaces at its end.
func (p *Printer) Print(lines ...Line) {
	for _, l := range lines {
		p.write(p.render(trimRight(l)) + "\n")
	}
}

// Prompt prints l without a line break, for an answer behind it.
func (p *Printer) Prompt(l Line) { p.write(p.render(l)) }

// Err returns the first error of writing, nil if there was none. Nothing is printed after an error.
func (p *Printer) Err() error { return p.err }

// write writes text unless an earlier write failed.
func (p *Printer) write(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.out, text)
	}
}

// render returns the bytes of a line.
func (p *Printer) render(l Line) string {
	if !p.color {
		return l.String()
	}
	var b strings.Builder
	for _, s := range mergeSpans(l) {
		if s.style == Plain || strings.TrimSpace(s.text) == "" {
			b.WriteString(s.text)
			continue
		}
		b.WriteString("\x1b[" + sgrCodes[s.style] + "m" + s.text + "\x1b[0m")
	}
	return b.String()
}

// mergeSpans returns l with neighbors of one style in one piece. Wrap leaves one piece for each word.
func mergeSpans(l Line) Line {
	var merged Line
	for _, s := range l {
		if n := len(merged); n > 0 && merged[n-1].style == s.style {
			merged[n-1].text += s.text
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}
