package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/slackbot"
)

// newManifestCommand returns `scanwarden manifest`.
func newManifestCommand(e environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "manifest", GroupID: groupSetUp, Example: "scanwarden manifest > manifest.json", Args: cobra.NoArgs,
		Short: "Print the Slack app manifest for this configuration.",
		RunE:  func(cmd *cobra.Command, _ []string) error { return runManifest(e, givenSettings(cmd)) },
	}
	addSettingFlags(cmd, config.GroupPolicy, config.GroupHTTP, config.GroupSlack, config.GroupLedger)
	return cmd
}

// runManifest prints the Slack app manifest: for HTTP if a public URL is set and no app token, else for socket mode.
func runManifest(e environment, flags config.Flags) error {
	cfg, err := config.Load(e.env, flags)
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
	_, err = fmt.Fprintln(e.stdout, string(manifest))
	return err
}
