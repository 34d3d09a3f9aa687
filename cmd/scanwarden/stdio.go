package main

import (
	"fmt"
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
)

type stdioCommand struct {
	tenantFlags
	policyFlags
	slackFlags
	ledgerFlags
}

// Run serves one MCP client until it closes stdin or the process receives a signal.
func (s stdioCommand) Run(w environment, flags config.Flags) error {
	cfg, err := config.Load(w.env, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	if config.IsTerminal(w.stdin) {
		fmt.Fprintln(w.stderr, "An MCP client starts this command and speaks to it; it waits for one on standard input. Ctrl-C ends it.")
	}
	return server.NewBuilder(cfg, w.env, cfg.Logger(w.stderr), versionText()).ServeStdio(w.ctx, w.stdin, w.stdout)
}
