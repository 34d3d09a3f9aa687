package main

import (
	"fmt"
	"io"

	"scanwarden/cmd/scanwarden/internal/config"
)

// progressLine shows what a check waits for, on a line that is cleared as soon as there is a finding. It prints nothing
// if stderr is not a terminal.
type progressLine struct {
	stderr  io.Writer
	enabled bool
	shown   bool // the line is there
}

// newProgressLine returns a progress line on stderr.
func newProgressLine(w environment) *progressLine {
	return &progressLine{stderr: w.stderr, enabled: config.IsTerminal(w.stderr) && w.env["TERM"] != "dumb"}
}

// maxWidth fits on one line of most terminals. A longer line would wrap and could not be cleared.
const maxWidth = 79

// clearLine clears the current line (ECMA-48, erase in line).
const clearLine = "\r\x1b[K"

// show replaces the text of the line.
func (w *progressLine) show(what string) {
	if w.enabled {
		w.shown = true
		fmt.Fprintf(w.stderr, "%s%.*s", clearLine, maxWidth, what)
	}
}

// clear clears the line if it is shown.
func (w *progressLine) clear() {
	if w.shown {
		w.shown = false
		fmt.Fprint(w.stderr, clearLine)
	}
}

// reporter returns the function that a check reports its progress to. If a user signs in interactively, progress
// contains instructions for them, and stays on the screen.
func (w *progressLine) reporter(check string, cfg *config.Config) func(string) {
	if cfg.UserSignsIn() {
		return func(what string) { fmt.Fprintf(w.stderr, "%s: %s\n", check, what) }
	}
	return func(what string) { w.show(check + ": " + what) }
}
