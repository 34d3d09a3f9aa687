package main

import (
	"context"
	"fmt"
	"io"
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/doctor"
	"scanwarden/tools"
)

type doctorCommand struct {
	JSON    bool   `help:"Print a JSON array, for programs."`
	Explain string `placeholder:"CHANGE" help:"Say which rule of the policy decides what about one change, and who may confirm it."`
	tenantFlags
	policyFlags
	httpFlags
	slackFlags
	ledgerFlags
}

// Run runs all checks and prints each finding as soon as it is known. The error counts the problems.
func (d doctorCommand) Run(w environment, flags config.Flags) error {
	if d.Explain != "" {
		return d.explain(w, flags)
	}
	report := &doctorReport{printer: newPrinter(w), progress: newProgressLine(w), silent: d.JSON}
	cfg, mistakes := config.LoadLenient(w.env, flags)
	for _, mistake := range mistakes {
		report.add("configuration", config.Problem(mistake.Error(), "Correct it; the rest is checked then."))
	}
	if len(mistakes) == 0 {
		report.add("configuration", config.Pass("%s", cfg.DescribeSources()))
		cfg.Simulator = d.Simulator
		report.runChecks(w.ctx, doctor.NewChecker(cfg, w.env, versionText()), cfg)
	}
	return report.finish(w.stdout)
}

// doctorReport collects findings and prints each at once. If silent, it prints nothing until finish.
type doctorReport struct {
	*printer
	progress *progressLine
	silent   bool
	findings []config.Finding
}

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

func (r *doctorReport) add(check string, found ...config.Finding) {
	for _, f := range found {
		f.Check = check
		r.findings = append(r.findings, f)
		if !r.silent {
			r.printFinding(f)
		}
	}
}

func (r *doctorReport) printFinding(f config.Finding) {
	color := map[string]string{config.StatusOK: styleGreen, config.StatusNote: styleYellow, config.StatusProblem: styleBold}[f.Status]
	r.lines(fmt.Sprintf("%s %s: %s", r.style(color, fmt.Sprintf("%-5s", f.Status)), f.Check, f.Says))
	if f.Next != "" {
		r.lines("      " + r.style(styleDim, "-> ") + f.Next)
	}
}

// finish prints the JSON array if the report is silent, and returns an error that counts the problems. It returns nil
// if there is none.
func (r *doctorReport) finish(out io.Writer) error {
	if r.silent {
		if err := writeJSON(out, r.findings); err != nil {
			return err
		}
	}
	problems := 0
	for _, f := range r.findings {
		if f.Status == config.StatusProblem {
			problems++
		}
	}
	if problems == 0 {
		return nil
	}
	return fmt.Errorf("doctor: %d of %s wrong", problems, config.Plural(len(r.findings), "finding"))
}
