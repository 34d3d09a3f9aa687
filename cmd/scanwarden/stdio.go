package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
)

// stdioCommand is the name of the command that starts fast: a client starts it for each session.
const stdioCommand = "stdio"

// newStdioCommand returns `scanwarden stdio`, which an MCP client starts.
func newStdioCommand(e environment) *cobra.Command {
	var simulated bool
	cmd := &cobra.Command{
		Use: stdioCommand, GroupID: groupServe, Example: "scanwarden stdio --simulator", Args: cobra.NoArgs,
		Short: "Serve MCP over stdin and stdout, for one local client.",
		RunE:  func(cmd *cobra.Command, _ []string) error { return runStdio(e, givenSettings(cmd), simulated) },
	}
	addSimulatorFlag(cmd, &simulated)
	addSettingFlags(cmd, config.GroupTenant, config.GroupPolicy, config.GroupSlack, config.GroupLedger)
	return cmd
}

// runStdio serves one MCP client until it closes stdin or the process receives a signal.
func runStdio(e environment, flags config.Flags, simulated bool) error {
	cfg, mistakes := config.LoadLenient(e.env, flags)
	cfg.Simulator = simulated
	if len(mistakes) > 0 && config.IsTerminal(e.stdin) {
		return mistakes[0] // no client reads it
	}
	if len(mistakes) > 0 {
		if e.resumeGC != nil {
			e.resumeGC()
		}
		return server.RefuseStdio(e.ctx, e.stdin, e.stdout, cfg.Logger(e.stderr), config.JoinMistakes(mistakes))
	}
	if config.IsTerminal(e.stdin) {
		fmt.Fprintln(e.stderr, "An MCP client starts this command and speaks to it; it waits for one on standard input. Ctrl-C ends it.")
	}
	b := server.NewBuilder(cfg, e.env, cfg.Logger(e.stderr), versionText())
	b.OnBuilt = e.resumeGC
	return b.ServeStdio(e.ctx, e.stdin, e.stdout)
}

// addSimulatorFlag adds --simulator, which replaces Defender by the built-in simulated tenant.
func addSimulatorFlag(cmd *cobra.Command, simulated *bool) {
	cmd.Flags().BoolVar(simulated, "simulator", false, "Use the built-in simulated tenant: no sign-in, nothing leaves this machine.")
}
