package main

import (
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
)

type serveCommand struct {
	tenantFlags
	policyFlags
	httpFlags
	slackFlags
	ledgerFlags
}

// Run serves MCP over HTTP until the process receives a signal.
func (s serveCommand) Run(w environment, flags config.Flags) error {
	cfg, err := config.Load(w.env, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	if err := cfg.CheckServeAuth(); err != nil {
		return err
	}
	log := cfg.Logger(w.stderr)
	return server.NewBuilder(cfg, w.env, log, versionText()).Serve(w.ctx, func(url string) { log.Info("listening", "url", url) })
}
