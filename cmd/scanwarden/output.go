package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
)

// writeJSON prints what programs read, as people can read it too.
func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// printer is written on for a person: with a little colour on a terminal, plain in a pipe.
type printer struct {
	out   io.Writer
	color bool
}

func newPrinter(w environment) *printer {
	return &printer{out: w.stdout, color: config.IsTerminal(w.stdout) && w.env["NO_COLOR"] == "" && w.env["TERM"] != "dumb"}
}

// The few styles there are (ECMA-48, select graphic rendition).
const (
	styleBold   = "1"
	styleGreen  = "32"
	styleYellow = "33"
	styleDim    = "2"
)

func (p *printer) style(code, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *printer) title(text string) { fmt.Fprintf(p.out, "\n%s\n\n", p.style(styleBold, text)) }

// lines prints lines; a single empty one says nothing.
func (p *printer) lines(lines ...string) {
	if len(lines) == 1 && lines[0] == "" {
		return
	}
	fmt.Fprintln(p.out, strings.Join(lines, "\n"))
}

func (p *printer) stepHeading(s step) {
	p.title(s.tool)
	fmt.Fprintf(p.out, "A person asks the assistant: %q\n", s.says)
	fmt.Fprintf(p.out, "The assistant calls %s; scanwarden plans it and asks you:\n\n", s.tool)
}

// indented sets text that somebody else is responsible for apart.
func (p *printer) indented(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(p.out, strings.TrimRight(p.style(styleDim, "  | ")+line, " "))
	}
}

func (p *printer) toolStatus(tool, status string) {
	colour := styleYellow
	if status == "applied" {
		colour = styleGreen
	}
	fmt.Fprintf(p.out, "\n%s: %s\n", p.style(styleBold, tool), p.style(colour, status))
}
