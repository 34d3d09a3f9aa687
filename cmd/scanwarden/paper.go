package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// writeJSON prints what programs read, as people can read it too.
func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// paper is written on for a person: with a little colour on a terminal, plain in a pipe.
type paper struct {
	out    io.Writer
	colour bool
}

func newPaper(w world) *paper {
	return &paper{out: w.out, colour: isTerminal(w.out) && w.environment["NO_COLOR"] == "" && w.environment["TERM"] != "dumb"}
}

// The few styles there are (ECMA-48, select graphic rendition).
const (
	bold   = "1"
	green  = "32"
	yellow = "33"
	dim    = "2"
)

func (p *paper) style(code, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *paper) title(text string) { fmt.Fprintf(p.out, "\n%s\n\n", p.style(bold, text)) }

// say prints lines; a single empty one says nothing.
func (p *paper) say(lines ...string) {
	if len(lines) == 1 && lines[0] == "" {
		return
	}
	fmt.Fprintln(p.out, strings.Join(lines, "\n"))
}

func (p *paper) heading(s step) {
	p.title(s.tool)
	fmt.Fprintf(p.out, "A person asks the assistant: %q\n", s.says)
	fmt.Fprintf(p.out, "The assistant calls %s; scanwarden plans it and asks you:\n\n", s.tool)
}

// quote sets text that somebody else is responsible for apart.
func (p *paper) quote(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(p.out, strings.TrimRight(p.style(dim, "  | ")+line, " "))
	}
}

func (p *paper) status(tool, status string) {
	colour := yellow
	if status == "applied" {
		colour = green
	}
	fmt.Fprintf(p.out, "\n%s: %s\n", p.style(bold, tool), p.style(colour, status))
}
