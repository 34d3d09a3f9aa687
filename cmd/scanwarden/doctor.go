package main

import (
	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/doctor"
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

// runDoctor runs all checks and prints the findings. The error counts the problems.
func runDoctor(e environment, flags config.Flags, options doctorOptions) error {
	report := &doctorReport{Printer: newPrinter(e), progress: newProgressLine(e)}
	cfg, mistakes := config.LoadLenient(e.env, flags)
	for _, mistake := range mistakes {
		report.add("configuration", config.Problem(mistake.Error(), "Correct it; the rest is checked then."))
	}
	if len(mistakes) == 0 {
		report.add("configuration", config.Pass("%s", cfg.DescribeSources()))
		cfg.Simulator, report.simulated = options.simulated, options.simulated
		report.target, _ = cfg.TargetName() // a wrong one is a finding of its check
		report.runChecks(e.ctx, doctor.NewChecker(cfg, e.env, versionText()), cfg)
	}
	return report.finish(e.stdout, options.json)
}
