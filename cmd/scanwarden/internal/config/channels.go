package config

import (
	"slices"

	"scanwarden/confirm"
)

// checkChannels returns an error for a channel that is unknown, unavailable or named twice.
func (c *Config) checkChannels() error {
	for i, channel := range c.ConfirmWith {
		where := c.OriginOf("confirm_with", i)
		switch confirm.Channel(channel) {
		case confirm.Client, confirm.WebPage, confirm.Terminal:
		case confirm.Slack:
			if !c.SlackConfigured() {
				return where.Errorf("slack is named, and Slack is not configured; set SLACK_BOT_TOKEN and SLACK_APP_TOKEN (or SLACK_SIGNING_SECRET)")
			}
		default:
			return where.Errorf("%q is not a channel; use client, page, slack or terminal", channel)
		}
		if slices.Contains(c.ConfirmWith[:i], channel) {
			return where.Errorf("%s is named twice; name each channel once", channel)
		}
	}
	return nil
}

// Channels returns the channels on which approvers are asked, all at once.
func (c *Config) Channels() []confirm.Channel {
	if len(c.ConfirmWith) == 0 {
		if c.SlackConfigured() {
			return []confirm.Channel{confirm.Slack}
		}
		return []confirm.Channel{confirm.Client}
	}
	channels := make([]confirm.Channel, len(c.ConfirmWith))
	for i, channel := range c.ConfirmWith {
		channels[i] = confirm.Channel(channel)
	}
	return channels
}

// FallbackChannels returns the channels that a stdio server uses where the client cannot be asked: the page and the
// terminal, or nil where the configuration names the channels or approvers are asked in Slack.
func (c *Config) FallbackChannels() []confirm.Channel {
	if len(c.ConfirmWith) > 0 || c.SlackConfigured() {
		return nil
	}
	return []confirm.Channel{confirm.WebPage, confirm.Terminal}
}

// asksRequesterAlone reports whether a stdio server asks on its user's own channels and no others.
func (c *Config) asksRequesterAlone() bool {
	return !slices.Contains(c.Channels(), confirm.Slack)
}
