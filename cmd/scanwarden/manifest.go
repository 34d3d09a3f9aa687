package main

import (
	"fmt"

	"scanwarden/slackbot"
)

type manifestCommand struct {
	policyFlags
	httpFlags
	slackFlags
	ledgerFlags
}

// Run prints the Slack app manifest: for HTTP if a public URL is set and no app token, else for socket mode.
func (manifestCommand) Run(w environment, flags Flags) error {
	cfg, err := Load(w.env, flags)
	if err != nil {
		return err
	}
	bot, err := SlackConfig(cfg)
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
