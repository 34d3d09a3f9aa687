package main

import (
	"encoding/json"
	"strings"

	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/tools/mcpserver"
)

// attempts prints what an assistant can try without the person, and what comes of it.
func (t *walkthrough) attempts(scan, code string) {
	if t.attempted {
		return // the guess was wrong, and the prompt is there again
	}
	t.attempted = true
	session, err := t.dial(func(string) (string, bool) { return "", false })
	if err != nil {
		t.paragraph(terminal.Text(err.Error()))
		return
	}
	defer session.Close()
	c, _ := t.find(code)
	for _, call := range []struct {
		tool string
		args map[string]any
	}{
		{"approve_change", map[string]any{"change_id": c.ID}},
		{"delete_scans", map[string]any{"scanDefinitionIds": []string{scan}, "confirmed": true}},
		{"get_change", map[string]any{"change_id": c.ID}},
	} {
		t.attempt(session, call.tool, call.args, code)
	}
	t.Print(t.attemptLine("the answer", "a guess, typed into your client's prompt as if it were you")...)
}

// attempt makes one call of the assistant and prints its result. It says so if the result has the code.
func (t *walkthrough) attempt(session *mcpserver.Client, tool string, args map[string]any, code string) {
	result, err := session.Call(t.ctx, tool, args)
	says := "there is no such tool"
	if err == nil {
		says = strings.TrimSuffix(result.Status+": "+result.Reason, ": ")
		if text, err := json.Marshal(result); err != nil || strings.Contains(string(text), code) {
			says = "the code is in the result; please report this as a bug"
		} else if tool == "get_change" {
			says = result.Status + "; the code is not in the result"
		}
	}
	t.Print(t.attemptLine(tool, says)...)
}

// attemptLine returns one attempt and what came of it.
func (t *walkthrough) attemptLine(what, says string) []terminal.Line {
	head := terminal.Join(terminal.Blanks(2), terminal.Styled(terminal.Bold, what)).Pad(20)
	return terminal.Wrap(terminal.Join(head, terminal.Text(says)), t.Width(), 20)
}
