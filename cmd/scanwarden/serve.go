package main

import (
	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
)

// newServeCommand returns `scanwarden serve`, the HTTP server.
func newServeCommand(e environment) *cobra.Command {
	var simulated bool
	cmd := &cobra.Command{
		Use: "serve", GroupID: groupServe, Example: "scanwarden serve --simulator", Args: cobra.NoArgs,
		Short: "Serve MCP over HTTP at /mcp, for many clients.",
		RunE:  func(cmd *cobra.Command, _ []string) error { return runServe(e, givenSettings(cmd), simulated) },
	}
	addSimulatorFlag(cmd, &simulated)
	addSettingFlags(cmd, config.GroupTenant, config.GroupPolicy, config.GroupHTTP, config.GroupSlack, config.GroupLedger)
	return cmd
}

// runServe serves MCP over HTTP until the process receives a signal.
func runServe(e environment, flags config.Flags, simulated bool) error {
	cfg, err := config.Load(e.env, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = simulated
	if err := cfg.CheckServeAuth(); err != nil {
		return err
	}
	log := cfg.Logger(e.stderr)
	return server.NewBuilder(cfg, e.env, log, versionText()).Serve(e.ctx, func(url string) { log.Info("listening", "url", url) })
}
