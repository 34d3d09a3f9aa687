package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
)

// writeJSON prints a value for programs, indented so that people can read it too.
func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// printer prints for people: with a little color on a terminal, plain in a pipe.
type printer struct {
	out   io.Writer
	color bool
}

// newPrinter returns a printer on stdout.
func newPrinter(w environment) *printer {
	return &printer{out: w.stdout, color: config.IsTerminal(w.stdout) && w.env["NO_COLOR"] == "" && w.env["TERM"] != "dumb"}
}

// The few styles there are (ECMA-48, select graphic rendition).
const (
	// The styles of a terminal (ECMA-48, select graphic rendition).
	styleBold   = "1"
	styleGreen  = "32"
	styleYellow = "33"
	styleDim    = "2"
)

// style returns text in a style, or unchanged if colors are off.
func (p *printer) style(code, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// title prints a heading with empty lines around it.
func (p *printer) title(text string) { fmt.Fprintf(p.out, "\n%s\n\n", p.style(styleBold, text)) }

// lines prints lines. A single empty line prints nothing.
func (p *printer) lines(lines ...string) {
	if len(lines) == 1 && lines[0] == "" {
		return
	}
	fmt.Fprintln(p.out, strings.Join(lines, "\n"))
}

// stepHeading prints what a step of the tour is about.
func (p *printer) stepHeading(s step) {
	p.title(s.tool)
	fmt.Fprintf(p.out, "A person asks the assistant: %q\n", s.request)
	fmt.Fprintf(p.out, "The assistant calls %s; scanwarden plans it and asks you:\n\n", s.tool)
}

// indented prints a text of the server, set apart from the tour's own.
func (p *printer) indented(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(p.out, strings.TrimRight(p.style(styleDim, "  | ")+line, " "))
	}
}

// toolStatus prints how a tool call ended.
func (p *printer) toolStatus(tool, status string) {
	color := styleYellow
	if status == "applied" {
		color = styleGreen
	}
	fmt.Fprintf(p.out, "\n%s: %s\n", p.style(styleBold, tool), p.style(color, status))
}
