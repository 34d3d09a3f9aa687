package main

import (
	"bytes"
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
)

// TestProgressLine: on a terminal one line replaces the other and is cleared before findings; a pipe gets nothing.
func TestProgressLine(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	w := &progressLine{stderr: &errs, enabled: true}
	note := w.reporter("clock", &config.Config{})
	w.clear()
	note("asking for the time")
	note(strings.Repeat("é", 100))
	w.clear()
	w.clear()
	want := clearLine + "clock: asking for the time" + clearLine + "clock: " + strings.Repeat("é", maxWidth-len("clock: ")) + clearLine
	if got := errs.String(); got != want {
		t.Errorf("a terminal gets %q, want %q", got, want)
	}
	errs.Reset()
	w = newProgressLine(environment{stderr: &errs})
	w.reporter("clock", &config.Config{})("asking for the time")
	w.clear()
	if errs.Len() > 0 {
		t.Errorf("a pipe gets %q", errs.String())
	}
	w.reporter("sign-in", &config.Config{Auth: "device-code"})("open the page and enter the code")
	if got := errs.String(); got != "sign-in: open the page and enter the code\n" {
		t.Errorf("who is to sign in is told %q", got)
	}
}
