package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/doctor"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/tools"
)

// doctorReport collects findings and prints them at the end: what is wrong first, then notes, then what is well.
type doctorReport struct {
	*terminal.Printer
	progress *progressLine
	target   string // the tenant, "" if the configuration has mistakes
	findings []config.Finding

	simulated bool // checked with --simulator
}

// runChecks runs all checks in order, until ctx is done.
func (r *doctorReport) runChecks(ctx context.Context, checker *doctor.Checker, cfg *config.Config) {
	defer checker.Close()
	for _, check := range doctor.Checks {
		if ctx.Err() != nil {
			return
		}
		found := checker.Run(tools.WithProgress(ctx, r.progress.reporter(check.Name, cfg)), check)
		r.progress.clear()
		r.add(check.Name, found...)
	}
}

// add records findings of a check.
func (r *doctorReport) add(check string, found ...config.Finding) {
	for _, f := range found {
		f.Check = check
		r.findings = append(r.findings, f)
	}
}

// statusOrder lists the statuses in the order of the report, with their styles.
var statusOrder = []struct {
	status string
	style  terminal.Style
}{{config.StatusProblem, terminal.Red}, {config.StatusNote, terminal.Yellow}, {config.StatusOK, terminal.Green}}

// finish prints the report, or with asJSON an array in the order of the checks, and returns an error that counts the
// problems. It returns nil if there is none.
func (r *doctorReport) finish(out io.Writer, asJSON bool) error {
	if asJSON {
		if err := writeJSON(out, r.findings); err != nil {
			return err
		}
	} else {
		r.printReport()
	}
	problems := len(r.withStatus(config.StatusProblem))
	if problems == 0 {
		return r.Err()
	}
	return fmt.Errorf("doctor: %d of %s wrong", problems, config.Plural(len(r.findings), "finding"))
}

// withStatus returns the findings of one status.
func (r *doctorReport) withStatus(status string) []config.Finding {
	var found []config.Finding
	for _, f := range r.findings {
		if f.Status == status {
			found = append(found, f)
		}
	}
	return found
}

// maxEdge is the rightmost column of the name of the tenant.
const maxEdge = 80

// printReport prints the findings for people.
func (r *doctorReport) printReport() {
	edge := min(r.Width(), maxEdge)
	r.Print(terminal.Beside(terminal.Styled(terminal.Bold, "scanwarden doctor"), terminal.Styled(terminal.Dim, r.target), edge)...)
	column := 0
	for _, f := range r.findings {
		column = max(column, len("wrong  ")+terminal.Width(f.Check)+2)
	}
	for i, s := range statusOrder {
		found := r.withStatus(s.status)
		if len(found) > 0 && (i == 0 || s.status == config.StatusOK || len(r.withStatus(config.StatusProblem)) == 0) {
			r.Print(nil) // above the report, and between what needs something and what is well
		}
		for _, f := range found {
			r.printFinding(f, s.style, column)
		}
	}
	r.Print(nil)
	r.Print(terminal.Wrap(r.sum(), r.Width(), 0)...)
}

// printFinding prints one finding and what to do.
func (r *doctorReport) printFinding(f config.Finding, style terminal.Style, column int) {
	name := terminal.Text(f.Check)
	if f.Status != config.StatusOK {
		name = name.Restyle(terminal.Bold)
	}
	head := terminal.Join(terminal.Styled(style, f.Status).Pad(len("wrong  ")), name).Pad(column)
	r.Print(terminal.Wrap(terminal.Join(head, terminal.Text(f.Says)), r.Width(), column)...)
	if f.Next != "" {
		head = terminal.Join(terminal.Blanks(len("wrong  ")), terminal.Styled(terminal.Bold, "to do")).Pad(column)
		r.Print(terminal.Wrap(terminal.Join(head, terminal.Text(f.Next)), r.Width(), column)...)
	}
}

// sum returns the last line: how many findings there are of each status, and again which checks are wrong.
func (r *doctorReport) sum() terminal.Line {
	var parts []terminal.Line
	for _, s := range statusOrder {
		found := r.withStatus(s.status)
		if len(found) == 0 {
			continue
		}
		text := fmt.Sprintf("%d %s", len(found), s.status)
		if s.status == config.StatusNote && len(found) > 1 {
			text += "s"
		}
		if s.status == config.StatusProblem {
			text += " (" + strings.Join(checkNames(found), ", ") + ")"
		}
		if len(parts) > 0 {
			parts = append(parts, terminal.Text(", "))
		}
		parts = append(parts, terminal.Styled(s.style, text))
	}
	end := "."
	if len(r.withStatus(config.StatusProblem)) == 0 {
		end = ". Start it: scanwarden serve, or stdio."
		if r.simulated {
			end = ". Start it: scanwarden serve --simulator, or stdio --simulator."
		}
	}
	return terminal.Join(append(parts, terminal.Text(end))...)
}

// checkNames returns the names of the checks that made findings, each once.
func checkNames(found []config.Finding) []string {
	var names []string
	for _, f := range found {
		if len(names) == 0 || names[len(names)-1] != f.Check {
			names = append(names, f.Check)
		}
	}
	return names
}
