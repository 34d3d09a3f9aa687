package main

import (
	"fmt"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
)

// interruptedError reports that the user ended a command with Ctrl-C.
type interruptedError struct{ text string }

func (e *interruptedError) Error() string { return e.text }

// interruption returns what was and was not sent when the user pressed Ctrl-C. Call it after the server has ended, when
// no write can follow.
func (t *walkthrough) interruption() error {
	sent, open := t.applied, t.number > 0
	if len(t.tenant.Writes()) > len(sent) { // confirmed in the last moment
		sent, open = append(sent, t.scene.tool), false
	}
	text := "stopped: nothing was sent"
	if len(sent) > 0 {
		text = fmt.Sprintf("stopped: %s sent to the simulated tenant before (%s)", wasOrWere(len(sent)), strings.Join(sent, ", "))
	}
	if open {
		text += fmt.Sprintf("; nothing was sent for step %d, %s", t.number, t.scene.tool)
	}
	return &interruptedError{text + "; nothing is kept"}
}

// wasOrWere returns "1 change was" or "2 changes were".
func wasOrWere(n int) string {
	if n == 1 {
		return "1 change was"
	}
	return config.Plural(n, "change") + " were"
}
