package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
)

// walkthrough leads a user through the scenes of the tour.
type walkthrough struct {
	*terminal.Printer
	ctx         context.Context
	answers     <-chan string // lines of input; closed at its end
	interactive bool          // input is a terminal: the person types codes, and the tour waits between scenes
	onPage      bool          // the person confirms on a page in the browser
	tenant      *defendertest.Server
	find        func(code string) (confirm.Change, error)               // reads an open change from the ledger
	dial        func(ask mcpserver.Elicitor) (*mcpserver.Client, error) // opens a session with the server
	scene       scene                                                   // the current one
	number      int                                                     // of the current scene, from 1; 0 before the first
	total       int
	attempted   bool // the assistant of the current scene has tried what it can
	refused     bool // the user has refused the change of the current scene
	applied     []string
	refusals    int
	marks       map[string]string // what became of scans, by name: markAdded, markChanged or markEdited
}

// The marks of scans in the closing table.
const (
	markAdded   = "+"
	markChanged = "~"
	markEdited  = "!"
)

// newWalkthrough returns a tour on the terminal or the pipes of e.
func newWalkthrough(e environment, tenant *defendertest.Server, find func(code string) (confirm.Change, error)) *walkthrough {
	return &walkthrough{
		Printer: newPrinter(e), ctx: e.ctx, answers: readLines(e.ctx, e.stdin), interactive: terminal.IsTerminal(e.stdin),
		tenant: tenant, find: find, marks: map[string]string{},
	}
}

// run plays the scenes and shows their outcomes. It returns an error if Defender received a write that the user did not
// confirm. After Ctrl-C it returns nil.
func (t *walkthrough) run(session *mcpserver.Client) error {
	scenes := t.scenes()
	t.total = len(scenes)
	for i, next := range scenes {
		t.number, t.attempted, t.refused, t.scene = i+1, false, false, next()
		t.introduce()
		result, err := t.callAndWait(session)
		if t.ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		t.outcome(result)
	}
	if writes := len(t.tenant.Writes()); writes != len(t.applied) {
		return fmt.Errorf("the tenant received %d writes for %d applied changes; please report this as a bug", writes, len(t.applied))
	}
	t.summarize()
	return nil
}

// introduce prints where in the tour the user is, and what the assistant is asked to do.
func (t *walkthrough) introduce() {
	where := terminal.Join(terminal.Styled(terminal.Bold, "scanwarden try"), terminal.Blanks(2),
		terminal.Styled(terminal.Dim, fmt.Sprintf("step %d of %d", t.number, t.total)))
	t.Print(nil)
	t.Print(terminal.Beside(where, terminal.Styled(terminal.Dim, "simulated tenant, nothing leaves here"), t.Width())...)
	t.Print(nil)
	t.paragraph(terminal.Text(fmt.Sprintf("You tell the assistant:  \"%s\"", t.scene.request)))
	t.paragraph(terminal.Join(terminal.Text("It calls "), terminal.Styled(terminal.Bold, t.scene.tool), terminal.Text(t.scene.explain)))
	t.Print(nil)
}

// paragraph prints a line wrapped at words.
func (t *walkthrough) paragraph(l terminal.Line) { t.Print(terminal.Wrap(l, t.Width(), 0)...) }

// ask shows the prompt as an MCP client would. It returns the code if the user confirms, and what the assistant answers in
// a scene in which it does not wait.
func (t *walkthrough) ask(message string) (code string, ok bool) {
	code = codeOf(message)
	if t.scene.alone != nil {
		return t.scene.alone(code), true
	}
	t.plan(message, code)
	if t.refused = !t.confirmed(code); t.refused {
		return "", false
	}
	if t.scene.edit != nil {
		t.Print(nil)
		t.paragraph(terminal.Styled(terminal.Yellow, t.scene.edit()))
	}
	return code, true
}

// plan prints the plan of the change with this code, and the question. If the ledger cannot be read, it prints the
// message of the prompt.
func (t *walkthrough) plan(message, code string) {
	c, err := t.find(code)
	if err != nil {
		for line := range strings.SplitSeq(message, "\n") {
			t.Print(terminal.Wrap(terminal.Text("  "+line), t.Width(), 2)...)
		}
		return
	}
	v := newPlanView(c, t.Width(), 2)
	t.Print(v.headline()...)
	t.Print(v.warnings()...)
	t.Print(nil)
	t.Print(v.body()...)
	t.Print(nil)
	t.Print(v.asked()...)
	t.Print(nil)
	t.Print(v.question()...)
}

// codeOf returns the code of a prompt. Its last line is "To apply this change, type: CODE".
func codeOf(message string) string {
	message = strings.TrimRight(message, "\n")
	_, code, _ := strings.Cut(message[strings.LastIndexByte(message, '\n')+1:], "type: ")
	return strings.TrimSpace(code)
}

// outcome prints how a call ended, counts what was applied and refused, and waits for Enter in a terminal.
func (t *walkthrough) outcome(r tools.Result) {
	if r.Status == "applied" {
		t.recordApplied()
	}
	if t.refused {
		t.refusals++
	}
	t.Print(nil)
	if !t.interactive {
		t.Print(terminal.Join(terminal.Styled(terminal.Bold, t.scene.tool), terminal.Text(": "), styledStatus(r.Status)))
		t.reason(r)
		return
	}
	next := fmt.Sprintf("Enter for step %d", t.number+1)
	if t.number == t.total {
		next = "Enter for the end"
	}
	says := "nothing was sent"
	if r.Status == "applied" {
		says = "sent once, and Defender has it"
	}
	t.reason(r)
	t.Print(terminal.Beside(terminal.Join(styledStatus(r.Status), terminal.Text("  "+says)), terminal.Styled(terminal.Dim, next), t.Width())...)
	t.nextAnswer()
}

// recordApplied counts an applied change and marks its scan.
func (t *walkthrough) recordApplied() {
	t.applied = append(t.applied, t.scene.tool)
	switch name, _ := t.scene.args["id"].(string); {
	case name != "":
		t.marks[name] = markChanged
	case t.scene.args["scanName"] != nil:
		t.marks[newScan] = markAdded
	}
}

// reason prints why a change was not applied, and what comes next. A refusal of the user needs no reason.
func (t *walkthrough) reason(r tools.Result) {
	if r.Status == "applied" || t.refused {
		return
	}
	for _, text := range []string{r.Reason, r.Next} {
		if text != "" {
			t.paragraph(terminal.Styled(terminal.Dim, text))
		}
	}
}

// styledStatus returns a status in its color.
func styledStatus(status string) terminal.Line {
	switch status {
	case "applied":
		return terminal.Styled(terminal.Green, status)
	case "failed", "refused":
		return terminal.Styled(terminal.Red, status)
	case "expired":
		return terminal.Styled(terminal.Dim, status)
	}
	return terminal.Styled(terminal.Yellow, status)
}

// readLines returns a channel of the lines of in, until in or ctx ends. Its goroutine may stay in a read until the
// process ends, because a read from a terminal cannot be canceled.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	read := make(chan string)
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			select {
			case read <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return read
}
