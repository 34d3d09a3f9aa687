package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/doctor"
	"scanwarden/tools"
)

// doctorOptions are the flags of `scanwarden doctor` that are no settings.
type doctorOptions struct {
	json, simulated bool
	explain         string // id of a change, "" to run the checks
}

// newDoctorCommand returns `scanwarden doctor`.
func newDoctorCommand(e environment) *cobra.Command {
	var options doctorOptions
	cmd := &cobra.Command{
		Use: "doctor", GroupID: groupSetUp, Example: "scanwarden doctor --json", Args: cobra.NoArgs,
		Short: "Check everything that a server needs, and say what to do about each problem.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if options.explain != "" {
				return runExplain(e, givenSettings(cmd), options)
			}
			return runDoctor(e, givenSettings(cmd), options)
		},
	}
	cmd.Flags().BoolVar(&options.json, "json", false, "Print a JSON array, for programs.")
	cmd.Flags().StringVar(&options.explain, "explain", "", "`CHANGE` Say which rule of the policy decides what about one change, and who may confirm it.")
	addSimulatorFlag(cmd, &options.simulated)
	addSettingFlags(cmd, config.GroupTenant, config.GroupPolicy, config.GroupHTTP, config.GroupSlack, config.GroupLedger)
	return cmd
}

// runDoctor runs all checks and prints each finding as soon as it is known. The error counts the problems.
func runDoctor(e environment, flags config.Flags, options doctorOptions) error {
	report := &doctorReport{printer: newPrinter(e), progress: newProgressLine(e), silent: options.json}
	cfg, mistakes := config.LoadLenient(e.env, flags)
	for _, mistake := range mistakes {
		report.add("configuration", config.Problem(mistake.Error(), "Correct it; the rest is checked then."))
	}
	if len(mistakes) == 0 {
		report.add("configuration", config.Pass("%s", cfg.DescribeSources()))
		cfg.Simulator = options.simulated
		report.runChecks(e.ctx, doctor.NewChecker(cfg, e.env, versionText()), cfg)
	}
	return report.finish(e.stdout)
}

// doctorReport collects findings and prints each at once. If silent, it prints nothing until finish.
type doctorReport struct {
	*printer
	progress *progressLine
	silent   bool
	findings []config.Finding
}

// runChecks adds the findings of every check to the report, in the order of doctor.Checks. It stops between two checks when
// ctx is done, and closes checker.
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

// add records findings of a check and prints them unless the report is silent.
func (r *doctorReport) add(check string, found ...config.Finding) {
	for _, f := range found {
		f.Check = check
		r.findings = append(r.findings, f)
		if !r.silent {
			r.printFinding(f)
		}
	}
}

// printFinding prints one finding and what to do.
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
