package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
)

const (
	// maxCodes bounds how often a code can be typed. The last wrong one is a denial, as in an MCP client's prompt.
	maxCodes = 3
	// maxReasonLen bounds the reason of a denial, in characters.
	maxReasonLen = 300
	// recordTimeout bounds how long the ledger may take to record a decision.
	recordTimeout = 30 * time.Second
)

// decide shows a change, asks for the code or a no, and prints what comes of it. It returns nil if the user decides
// nothing.
func (r *review) decide(c confirm.Change) error {
	refused := r.gate.CanDecide(r.e.ctx, c, r.vote(true, ""))
	if errors.Is(refused, confirm.ErrTampered) {
		return fmt.Errorf("review: %w", refused) // nothing of it is shown as if it were what would be sent
	}
	r.show(c)
	if refused != nil {
		r.paragraph(terminal.Yellow, "You cannot confirm it here, by the policy "+r.cfg.DescribeSources()+": "+refusalText(refused)+".")
	}
	watch := r.startWatch(c.ID)
	defer watch.stop()
	v, decided, err := r.askVerdict(c, refused == nil, watch)
	if err != nil || !decided {
		return err
	}
	return r.record(c, v)
}

// refusalText returns why the user cannot confirm, with the address of the page where that is what they need.
func refusalText(err error) string {
	var missing *confirm.ContextError
	if errors.As(err, &missing) {
		return missing.TextForPeople()
	}
	return err.Error()
}

// show prints a change as the person decides about it.
func (r *review) show(c confirm.Change) {
	v := newPlanView(c, r.Width(), 0)
	title, _ := v.title()
	r.Print(nil)
	r.Print(terminal.Beside(terminal.Styled(terminal.Bold, title),
		terminal.Styled(terminal.Dim, c.Target+", "+timeLeft(time.Until(c.Expires))), r.Width())...)
	if len(c.Warnings) > 0 {
		r.Print(nil)
		r.Print(v.warnings()...)
	}
	r.Print(nil)
	r.Print(v.body()...)
	r.Print(nil)
	asked := fmt.Sprintf("Asked by %s through %s at %s, open until %s", r.nameOf(c.Requester), c.Source,
		c.Created.UTC().Format("15:04 MST"), c.Expires.UTC().Format("15:04 MST"))
	if c.Needed > 1 {
		asked += fmt.Sprintf("; %d of %d approvals are there", c.Approvals(), c.Needed)
	}
	r.paragraph(terminal.Dim, asked)
	r.Print(nil)
	r.Print(v.question()...)
}

// verdictPrompt returns the line behind which the code is typed.
func verdictPrompt(c confirm.Change, mayApprove bool) terminal.Line {
	if !mayApprove {
		return terminal.Text(`Type "no" to deny, r for the request, Enter to go back: `)
	}
	return terminal.Join(terminal.Text("Type "), terminal.Styled(terminal.Cyan, c.Code),
		terminal.Text(` to approve, "no" to deny, r for the request, Enter to go back: `))
}

// askVerdict asks until the user has typed the code, a no or nothing. decided is false if they leave, or if the change
// ends meanwhile. The last wrong code is a denial.
func (r *review) askVerdict(c confirm.Change, mayApprove bool, watch *changeWatch) (v confirm.Vote, decided bool, err error) {
	for wrong := 0; ; {
		typed, more, err := r.askWatched(verdictPrompt(c, mayApprove), watch)
		if err != nil || !more || typed == "" {
			return v, false, err
		}
		switch strings.ToLower(typed) {
		case "no", "n":
			return r.askReason(watch)
		case "r":
			r.Print(requestLines(c, r.Width())...)
			continue
		}
		if mayApprove && c.MatchesCode(typed) {
			return r.vote(true, ""), true, nil
		}
		if !mayApprove {
			r.paragraph(terminal.Yellow, "Nothing is decided: this change cannot be confirmed here.")
			continue
		}
		if wrong++; wrong == maxCodes {
			return r.vote(false, "typed a wrong code three times"), true, nil
		}
		r.paragraph(terminal.Yellow, wrongCodeText(maxCodes-wrong))
	}
}

// wrongCodeText returns what follows a wrong code while others may be typed.
func wrongCodeText(left int) string {
	if left == 1 {
		return "That is not the code; nothing is decided. One more wrong one denies the change."
	}
	return fmt.Sprintf("That is not the code; nothing is decided. %d more wrong ones deny the change.", left)
}

// askReason returns a denial with the reason that the user types, which may be empty.
func (r *review) askReason(watch *changeWatch) (v confirm.Vote, decided bool, err error) {
	for {
		reason, more, err := r.askWatched(terminal.Text("Reason, or Enter for none: "), watch)
		if err != nil || !more {
			return v, false, err
		}
		if reason = terminal.Sanitize(reason); len([]rune(reason)) <= maxReasonLen {
			return r.vote(false, reason), true, nil
		}
		r.paragraph(terminal.Yellow, fmt.Sprintf("The reason is too long; shorten it to %d characters.", maxReasonLen))
	}
}

// askWatched is ask, and ends when the change has ended. Then it prints how, and more is false.
func (r *review) askWatched(prompt terminal.Line, watch *changeWatch) (typed string, more bool, err error) {
	r.Prompt(prompt)
	select {
	case typed, more = <-r.lines:
	case <-r.e.ctx.Done():
	case <-watch.ended:
		r.Print(nil, nil)
		if watch.err != nil {
			return "", false, watch.err
		}
		r.printEnd(watch.change)
		return "", false, nil
	}
	if !more {
		r.Print(nil) // the cursor stands behind the prompt
	}
	return strings.TrimSpace(typed), more, nil
}

// changeWatch waits for the end of a change while the user types.
type changeWatch struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the wait is over
	ended  chan struct{} // closed when the change is no longer open, or cannot be read
	change confirm.Change
	err    error
}

// startWatch watches a change until stop is called.
func (r *review) startWatch(id string) *changeWatch {
	ctx, cancel := context.WithCancel(r.e.ctx)
	w := &changeWatch{cancel: cancel, done: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(w.done)
		if w.change, w.err = r.gate.Wait(ctx, id); ctx.Err() == nil {
			close(w.ended)
		}
	}()
	return w
}

// stop ends the watch.
func (w *changeWatch) stop() {
	w.cancel()
	<-w.done
}

// record records a decision and prints what comes of it. Ctrl-C does not interrupt the record, so that its answer is
// never in doubt for that reason.
func (r *review) record(c confirm.Change, v confirm.Vote) error {
	if r.e.ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.e.ctx), recordTimeout)
	defer cancel()
	after, err := r.gate.Decide(ctx, c.ID, v)
	r.Print(nil)
	switch {
	case errors.Is(err, confirm.ErrMoved):
		r.printEnd(after)
		return nil
	case errors.Is(err, confirm.ErrUnknownCommit):
		return fmt.Errorf("review: %w; look with `scanwarden changes %s` before anything else", confirm.ErrUnknownCommit, c.ID)
	case err != nil:
		return fmt.Errorf("review: nothing was recorded: %w", err)
	}
	r.recorded = c.ID
	if after.State == confirm.Approved {
		return r.followExecution(after)
	}
	r.printEnd(after)
	return nil
}
