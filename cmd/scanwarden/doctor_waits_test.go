package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestWaits: on a terminal one line gives way to the next, and to what is found; elsewhere there is none.
func TestWaits(t *testing.T) {
	var errs bytes.Buffer
	w := &waits{errs: &errs, watched: true}
	note := w.noteOf("clock", &config{})
	w.clear()
	note("asking for the time")
	note(strings.Repeat("é", 100))
	w.clear()
	w.clear()
	want := erase + "clock: asking for the time" + erase + "clock: " + strings.Repeat("é", widest-len("clock: ")) + erase
	if got := errs.String(); got != want {
		t.Errorf("a terminal gets %q, want %q", got, want)
	}
	errs.Reset()
	w = newWaits(world{errs: &errs})
	w.noteOf("clock", &config{})("asking for the time")
	w.clear()
	if errs.Len() > 0 {
		t.Errorf("a pipe gets %q", errs.String())
	}
	w.noteOf("sign-in", &config{Auth: "device-code"})("open the page and enter the code")
	if got := errs.String(); got != "sign-in: open the page and enter the code\n" {
		t.Errorf("who is to sign in is told %q", got)
	}
}
