package main

import "fmt"

type stdioCommand struct {
	tenantFlags
	policyFlags
	slackFlags
	ledgerFlags
}

// Run serves one MCP client until it closes stdin or the process receives a signal.
func (s stdioCommand) Run(w environment, flags Flags) error {
	cfg, err := Load(w.env, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	if IsTerminal(w.stdin) {
		fmt.Fprintln(w.stderr, "An MCP client starts this command and speaks to it; it waits for one on standard input. Ctrl-C ends it.")
	}
	return NewBuilder(cfg, w.env, cfg.Logger(w.stderr), versionText()).ServeStdio(w.ctx, w.stdin, w.stdout)
}
