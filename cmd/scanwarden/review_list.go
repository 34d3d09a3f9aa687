package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
)

// review is one run of `scanwarden review`.
type review struct {
	*terminal.Printer
	e        environment
	cfg      *config.Config
	gate     *confirm.Gate
	user     confirm.Principal
	names    map[confirm.Principal]string
	lines    <-chan string // what is typed; closed at the end of input
	recorded string        // the id of the last change that a decision was recorded for
}

// newReview returns a run for the user of this process.
func newReview(e environment, cfg *config.Config, gate *confirm.Gate) *review {
	return &review{
		Printer: newPrinter(e), e: e, cfg: cfg, gate: gate, user: server.LocalUser(e.env), names: personNames(cfg.People),
		lines: readLines(e.ctx, e.stdin),
	}
}

// openReviews are the open changes that the user may see.
type openReviews struct {
	waiting   []confirm.Change // they can be confirmed here
	elsewhere []confirm.Change // the user cannot confirm them here
	altered   []alteredChange
}

// alteredChange is a change that does not verify, with the reason.
type alteredChange struct {
	id  string
	why error
}

// all returns every open change whose records verify.
func (o openReviews) all() []confirm.Change {
	return append(o.waiting[:len(o.waiting):len(o.waiting)], o.elsewhere...)
}

// vote returns the user's decision.
func (r *review) vote(approve bool, reason string) confirm.Vote {
	return confirm.Vote{Principal: r.user, Approve: approve, Reason: reason, Channel: confirm.Terminal}
}

// find returns the changes that the user may see and that still wait for a decision.
func (r *review) find() (open openReviews, err error) {
	viewer := confirm.Viewer{Principal: r.user}
	changes, err := r.gate.VisibleChanges(r.e.ctx, viewer, confirm.Filter{States: []confirm.State{confirm.Pending}, Limit: maxChanges})
	if err != nil {
		return open, err
	}
	for _, c := range changes {
		if c.State != confirm.Pending { // what the Gate returns instead of a record that does not verify
			open.altered = append(open.altered, alteredChange{c.ID, errors.New(c.Outcome.Reason)})
			continue
		}
		if !c.Expires.After(time.Now()) {
			continue
		}
		switch err := r.gate.CanDecide(r.e.ctx, c, r.vote(true, "")); {
		case err == nil:
			open.waiting = append(open.waiting, c)
		default:
			open.elsewhere = append(open.elsewhere, c)
		}
	}
	return open, nil
}

// run shows the change with this id, or lists what waits and shows what the user chooses. It returns when the user leaves.
func (r *review) run(id string) error {
	open, err := r.find()
	if err != nil {
		return err
	}
	if id != "" {
		c, err := r.choose(open, open.all(), id)
		if err != nil {
			return fmt.Errorf("review: %w", err)
		}
		return r.decide(c)
	}
	for {
		if r.list(open); len(open.waiting) == 0 {
			return nil
		}
		typed, more := r.ask(terminal.Text("Number to read, or Enter to leave: "))
		if !more || typed == "" {
			return nil
		}
		if c, err := r.choose(open, open.waiting, typed); err != nil {
			r.paragraph(terminal.Yellow, err.Error())
		} else if err := r.decide(c); err != nil || r.e.ctx.Err() != nil {
			return err
		}
		if open, err = r.find(); err != nil {
			return err
		}
		r.Print(nil)
	}
}

// choose returns the one of changes that typed names: its number, code, or a part of its id.
func (r *review) choose(open openReviews, changes []confirm.Change, typed string) (confirm.Change, error) {
	if n, err := strconv.Atoi(typed); err == nil && n >= 1 && n <= len(open.waiting) {
		return open.waiting[n-1], nil
	}
	part, found := strings.ToUpper(strings.TrimSpace(typed)), []confirm.Change(nil)
	for _, c := range changes {
		if c.MatchesCode(typed) || strings.HasPrefix(c.ID, part) || strings.HasSuffix(c.ID, part) {
			found = append(found, c)
		}
	}
	for _, a := range open.altered {
		if strings.HasPrefix(a.id, part) || strings.HasSuffix(a.id, part) {
			return confirm.Change{}, fmt.Errorf("change %s: %w", a.id, a.why)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		return confirm.Change{}, fmt.Errorf("%s fits %d changes; give more of the id, for example its end", part, len(found))
	}
	return confirm.Change{}, fmt.Errorf("no open change of yours is %s; `scanwarden review` lists what waits for you, `scanwarden changes` how others ended", part)
}

// The columns of the list.
const (
	codeColumn   = 5
	titleColumn  = 12
	leftColumn   = 12
	minTitleRoom = 10
)

// list prints what waits for the user, with numbers, and what else is open.
func (r *review) list(open openReviews) {
	head := terminal.Styled(terminal.Bold, "Nothing waits for you")
	if n := len(open.waiting); n > 0 {
		head = terminal.Styled(terminal.Bold, config.Plural(n, "change")+" "+waitVerb(n)+" for you")
		if tenant := commonTarget(open.waiting); tenant != "" {
			head = terminal.Join(head, terminal.Text(" in "+tenant))
		}
	}
	r.Print(terminal.Beside(head, terminal.Styled(terminal.Dim, string(r.user)), r.Width())...)
	room := max(r.Width()-titleColumn-maxPerson-columnGap-leftColumn, minTitleRoom)
	if len(open.waiting) > 0 {
		r.Print(nil, terminal.Join(terminal.Blanks(codeColumn), terminal.Styled(terminal.Bold, "Code"), terminal.Blanks(3),
			terminal.Styled(terminal.Bold, "Change")).Pad(titleColumn+room))
	}
	for i, c := range open.waiting {
		r.printRow(i+1, c, room)
	}
	for _, a := range open.altered {
		r.paragraph(terminal.Red, "! change "+a.id+": "+a.why.Error())
	}
	r.Print(nil)
	if n := len(open.elsewhere); n > 0 {
		r.paragraph(terminal.Dim, fmt.Sprintf("%d more cannot be confirmed here: scanwarden changes --open", n))
	}
}

// waitVerb returns "waits" or "wait".
func waitVerb(n int) string {
	if n == 1 {
		return "waits"
	}
	return "wait"
}

// printRow prints one change of the list, and below it its warnings and approvals.
func (r *review) printRow(n int, c confirm.Change, room int) {
	head := terminal.Join(terminal.Text(fmt.Sprintf("%3d", n)), terminal.Blanks(2), terminal.Styled(terminal.Cyan, c.Code)).Pad(titleColumn)
	end := terminal.Join(terminal.Blanks(columnGap), terminal.Text(shortPerson(r.nameOf(c.Requester))).Pad(maxPerson),
		terminal.Text(fmt.Sprintf("%12s", timeLeft(time.Until(c.Expires)))))
	for i, line := range terminal.Wrap(terminal.Text(newPlanView(c, r.Width(), 0).brief()), room, 2) {
		if i == 0 {
			r.Print(terminal.Join(head, line.Pad(room), end))
		} else {
			r.Print(terminal.Join(terminal.Blanks(titleColumn), line))
		}
	}
	var notes []string
	if len(c.Warnings) > 0 {
		notes = append(notes, "! "+config.Plural(len(c.Warnings), "warning"))
	}
	if c.Needed > 1 {
		notes = append(notes, fmt.Sprintf("%d of %d approvals", c.Approvals(), c.Needed))
	}
	if len(notes) > 0 {
		r.Print(terminal.Join(terminal.Blanks(titleColumn), terminal.Styled(terminal.Yellow, strings.Join(notes, ", "))))
	}
}

// nameOf returns the configured name of a principal, or the principal.
func (r *review) nameOf(p confirm.Principal) string {
	if name := r.names[p]; name != "" {
		return name
	}
	return string(p)
}

// paragraph prints text wrapped at words.
func (r *review) paragraph(style terminal.Style, text string) {
	r.Print(terminal.WrapText(style, text, r.Width(), 0)...)
}

// ask prints a prompt and waits for a line. more is false at the end of input and after Ctrl-C.
func (r *review) ask(prompt terminal.Line) (typed string, more bool) {
	r.Prompt(prompt)
	select {
	case typed, more = <-r.lines:
	case <-r.e.ctx.Done():
	}
	if !more {
		r.Print(nil) // the cursor stands behind the prompt
	}
	return strings.TrimSpace(typed), more
}
