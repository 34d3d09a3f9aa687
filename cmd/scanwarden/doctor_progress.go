package main

import (
	"fmt"
	"io"

	"scanwarden/cmd/scanwarden/internal/config"
)

// progressLine shows a person what is waited for, on a line that is gone as soon as there is something to read. Who does not
// watch is told nothing: what is found says it all.
type progressLine struct {
	stderr  io.Writer
	enabled bool
	shown   bool // the line is there
}

func newProgressLine(w environment) *progressLine {
	return &progressLine{stderr: w.stderr, enabled: config.IsTerminal(w.stderr) && w.env["TERM"] != "dumb"}
}

// maxWidth is what fits on a line of most terminals: one that wraps could not be cleared.
const maxWidth = 79

// clearLine clears the line (ECMA-48, erase in line).
const clearLine = "\r\x1b[K"

// show takes the place of what was shown before.
func (w *progressLine) show(what string) {
	if w.enabled {
		w.shown = true
		fmt.Fprintf(w.stderr, "%s%.*s", clearLine, maxWidth, what)
	}
}

func (w *progressLine) clear() {
	if w.shown {
		w.shown = false
		fmt.Fprint(w.stderr, clearLine)
	}
}

// reporter is what a check tells its progress to. Where a person signs in, that is what they are to do: it stays.
func (w *progressLine) reporter(check string, cfg *config.Config) func(string) {
	if cfg.UserSignsIn() {
		return func(what string) { fmt.Fprintf(w.stderr, "%s: %s\n", check, what) }
	}
	return func(what string) { w.show(check + ": " + what) }
}
