package main

import (
	"fmt"
	"slices"
	"strings"

	"scanwarden/cmd/scanwarden/internal/terminal"
)

// confirmed asks the user until there is a clear answer, and reports whether it is a yes. In a terminal a yes is the
// code; in a pipe it is a line with y. The end of input and Ctrl-C are no.
func (t *walkthrough) confirmed(code string) bool {
	yes, no := []string{code}, []string{"", "N", "NO"}
	prompt := terminal.Join(terminal.Text("Type "), terminal.Styled(terminal.Cyan, code), terminal.Text(" to apply it, or Enter to refuse: "))
	unclear := "neither " + code + " nor Enter"
	if !t.interactive {
		yes = []string{"Y", "YES"}
		prompt = terminal.Text("Apply this change? In a client you would type " + code + ". [y/N] ")
		unclear = "neither y nor n"
	}
	for {
		t.Prompt(prompt)
		answer, more := t.nextAnswer()
		if !t.interactive || !more {
			t.Print(terminal.Text(answer)) // a terminal shows what is typed by itself
		}
		switch given := strings.ToUpper(strings.Join(strings.Fields(answer), "")); {
		case !more, slices.Contains(no, given):
			return false
		case slices.Contains(yes, given):
			return true
		}
		t.paragraph(terminal.Text(fmt.Sprintf("\"%s\" is %s. Nothing is decided and nothing was sent.", answer, unclear)))
	}
}

// nextAnswer waits for a line of input. more is false at the end of input and after Ctrl-C.
func (t *walkthrough) nextAnswer() (answer string, more bool) {
	select {
	case answer, more = <-t.answers:
		return answer, more
	case <-t.ctx.Done():
		return "", false
	}
}
