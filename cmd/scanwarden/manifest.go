package main

import (
	"fmt"
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/slackbot"
)

type manifestCommand struct {
	policyFlags
	httpFlags
	slackFlags
	ledgerFlags
}

// Run prints the Slack app manifest: for HTTP if a public URL is set and no app token, else for socket mode.
func (manifestCommand) Run(w environment, flags config.Flags) error {
	cfg, err := config.Load(w.env, flags)
	if err != nil {
		return err
	}
	bot, err := server.SlackConfig(cfg)
	if err != nil {
		return err
	}
	url := ""
	if cfg.Slack.AppToken.Empty() {
		url = cfg.HTTP.PublicURL
	}
	manifest, err := slackbot.Manifest(bot, url)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.stdout, string(manifest))
	return err
}
