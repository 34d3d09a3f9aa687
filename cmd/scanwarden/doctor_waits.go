package main

import (
	"fmt"
	"io"
	"slices"

	"scanwarden/defender/entra"
)

// waits shows a person what is waited for, on a line that is gone as soon as there is something to read. Who does not
// watch is told nothing: what is found says it all.
type waits struct {
	errs    io.Writer
	watched bool
	shown   bool // the line is there
}

func newWaits(w world) *waits {
	return &waits{errs: w.errs, watched: isTerminal(w.errs) && w.environment["TERM"] != "dumb"}
}

// widest is what fits on a line of most terminals: one that wraps could not be cleared.
const widest = 79

// erase clears the line (ECMA-48, erase in line).
const erase = "\r\x1b[K"

// show takes the place of what was shown before.
func (w *waits) show(what string) {
	if w.watched {
		w.shown = true
		fmt.Fprintf(w.errs, "%s%.*s", erase, widest, what)
	}
}

func (w *waits) clear() {
	if w.shown {
		w.shown = false
		fmt.Fprint(w.errs, erase)
	}
}

// noteOf is what a check tells its progress to. Where a person signs in, that is what they are to do: it stays.
func (w *waits) noteOf(check string, cfg *config) func(string) {
	if slices.Contains([]string{string(entra.DeviceCode), string(entra.Interactive)}, cfg.Auth) {
		return func(what string) { fmt.Fprintf(w.errs, "%s: %s\n", check, what) }
	}
	return func(what string) { w.show(check + ": " + what) }
}
