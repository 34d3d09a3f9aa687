package config

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"scanwarden/tools"
)

// SlashCommand returns the slash command of an operation, or that of "scans".
func (c *Config) SlashCommand(name string) string {
	if other := c.Slack.Commands[name]; other != "" {
		return other
	}
	return "/" + name
}

// SlackConfigured reports whether there is a Slack app to use.
func (c *Config) SlackConfigured() bool { return !c.Slack.BotToken.Empty() }

// checkSlack returns an error if the Slack settings are incomplete or name a channel instead of its id.
func (c *Config) checkSlack() error {
	s := c.Slack
	switch {
	case s.BotToken.Empty() && (!s.AppToken.Empty() || !s.SigningSecret.Empty()):
		return errors.New("SLACK_BOT_TOKEN is missing, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET is set; set it to the app's xoxb- token")
	case c.SlackConfigured() && s.AppToken.Empty() && s.SigningSecret.Empty():
		return errors.New("SLACK_BOT_TOKEN is set, and no way for Slack to reach scanwarden; set SLACK_APP_TOKEN for socket mode, or SLACK_SIGNING_SECRET for HTTP")
	}
	if strings.HasPrefix(s.Channel, "#") {
		return c.OriginOf("slack.channel").Errorf("%q is a name, and Slack knows channels by their ids; open the channel's details in Slack, copy the id at their end, and write it, such as C0123456789", s.Channel)
	}
	return c.checkSlashCommands()
}

// checkSlashCommands returns an error for a slash command of an unknown operation. It builds the catalogue only if
// commands are configured, because that is a good part of the time to the handshake.
func (c *Config) checkSlashCommands() error {
	if len(c.Slack.Commands) == 0 {
		return nil
	}
	operations, err := tools.Catalogue(nil)
	if err != nil {
		return err
	}
	known := []string{"scans"}
	for _, op := range operations {
		if op.Effect == tools.Proposes {
			known = append(known, op.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Slack.Commands)) {
		if !slices.Contains(known, name) {
			return c.OriginOf("slack.commands", name).Errorf("%q has no slash command; name one of %v", name, known)
		}
	}
	return nil
}

// AssistantURL returns the URL at which Slack's assistant calls scanwarden, or "" if it may not. Without a public URL
// it returns a path, which the manifest refuses with an error that names the setting.
func (c *Config) AssistantURL() string {
	public, err := c.PublicOrigin()
	switch {
	case !c.AllowsAuth("slack"):
		return ""
	case err != nil || public == nil:
		return "/mcp" // the manifest refuses it and names the setting
	}
	return public.Scheme + "://" + public.Host + "/mcp"
}
