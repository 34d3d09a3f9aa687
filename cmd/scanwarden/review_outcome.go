package main

import (
	"context"
	"fmt"
	"time"

	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/tools"
)

// executionWait is how long an approved change is followed. The server that asked looks every two seconds.
const executionWait = 30 * time.Second

// followExecution waits until an approved change has ended, and prints how. This process sends nothing.
func (r *review) followExecution(c confirm.Change) error {
	r.Print(terminal.Join(terminal.Styled(terminal.Green, "confirmed"), terminal.Text("  by you; the server that asked for it sends it")))
	ctx, cancel := context.WithTimeout(r.e.ctx, min(executionWait, max(time.Until(c.Expires), 0)+2*time.Second))
	defer cancel()
	after, err := r.gate.Wait(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("review: your yes is recorded, and its outcome cannot be read: %w; look with `scanwarden changes %s`", err, c.ID)
	}
	r.printEnd(after)
	return nil
}

// printEnd prints the state of a change after the decision, what was sent, and what to do next.
func (r *review) printEnd(c confirm.Change) {
	result := tools.ResultOf(c)
	switch c.State {
	case confirm.Pending:
		r.status(string(confirm.Approved), fmt.Sprintf("by you: %d of %d approvals; nothing is sent before the others", c.Approvals(), c.Needed))
		return
	case confirm.Approved:
		r.status(string(confirm.Approved), fmt.Sprintf("and not sent yet. The server that asked for it sends it when it runs, until %s; then it expires, and nothing is sent.",
			c.Expires.UTC().Format("15:04 MST")))
		return
	case confirm.Executing:
		r.status(string(confirm.Executing), "it is being sent; see scanwarden changes "+c.ID)
		return
	case confirm.Applied:
		r.status(result.Status, "sent once, and Defender has it")
		return
	}
	text := "nothing was sent"
	if c.State == confirm.Unknown || c.State == confirm.Failed && c.Owner != "" {
		text = "" // it may have been sent; the reason says what is known
	}
	r.status(result.Status, text)
	for _, text := range []string{r.whoDecided(c), result.Reason, c.Outcome.Next, r.policyHint(c)} {
		if text != "" {
			r.paragraph(terminal.Dim, text)
		}
	}
}

// status prints a status in its color, with a text behind it.
func (r *review) status(status, text string) {
	line := terminal.Join(styledStatus(status), terminal.Text("  "+text))
	r.Print(terminal.Wrap(line, r.Width(), terminal.Width(status)+2)...)
}

// whoDecided names the person whose no has ended a change, "" if none has.
func (r *review) whoDecided(c confirm.Change) string {
	for _, d := range c.Decisions {
		if c.State == confirm.Denied && !d.Approve && d.Principal != r.user {
			return fmt.Sprintf("Denied by %s on %s.", r.nameOf(d.Principal), d.Channel)
		}
	}
	return ""
}

// policyHint explains a change that this process has counted as approved and the server has not: it failed without being
// claimed.
func (r *review) policyHint(c confirm.Change) string {
	if c.State != confirm.Failed || c.Owner != "" || r.recorded != c.ID {
		return ""
	}
	return "The server decided by another policy than this command, which read its own " + r.cfg.DescribeSources() +
		". Give both the same configuration (SCANWARDEN_CONFIG), and have it proposed again."
}
