package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scanwarden/slackbot"
	"scanwarden/tools"
)

// SlackConfigured reports whether there is an app to speak through.
func (c *Config) SlackConfigured() bool { return !c.Slack.BotToken.Empty() }

func (c *Config) checkSlack() error {
	s := c.Slack
	switch {
	case s.BotToken.Empty() && (!s.AppToken.Empty() || !s.SigningSecret.Empty()):
		return errors.New("SLACK_BOT_TOKEN is missing, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET is set; set it to the app's xoxb- token")
	case c.SlackConfigured() && s.AppToken.Empty() && s.SigningSecret.Empty():
		return errors.New("SLACK_BOT_TOKEN is set, and nothing says how Slack reaches scanwarden; set SLACK_APP_TOKEN for socket mode, or SLACK_SIGNING_SECRET for HTTP")
	}
	if strings.HasPrefix(s.Channel, "#") {
		return c.OriginOf("slack.channel").Errorf("%q is a name, and Slack knows channels by their ids; open the channel's details in Slack, copy the id at their end, and write it, such as C0123456789", s.Channel)
	}
	return c.checkSlashCommands()
}

// checkSlashCommands makes the catalogue only where it is needed: that takes a good part of the time to the handshake.
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
			return c.OriginOf("slack.commands", name).Errorf("%q is not something to have a command for; name one of %v", name, known)
		}
	}
	return nil
}

// slackBotConfig is what the bot is told, but for the rooms behind it.
func SlackConfig(c *Config) (slackbot.Config, error) {
	operations, err := c.Operations()
	return slackbot.Config{
		Operations: operations, API: c.Slack.API, BotToken: c.Slack.BotToken, AppToken: c.Slack.AppToken,
		SigningSecret: c.Slack.SigningSecret, Channel: c.Slack.Channel, Commands: c.Slack.Commands,
		Approvers: c.ConfirmPolicy().Approvers, Requesters: c.ConfirmPolicy().Requesters, People: c.ConfirmPolicy().People, MatchEmail: c.Slack.MatchEmail,
		Assistant: c.AssistantURL(), LinkPage: c.LinkURL(),
	}, err
}

// AssistantURL is the URL at which Slack's own assistant calls us, "" where it may not.
func (c *Config) AssistantURL() string {
	public, err := c.PublicOrigin()
	switch {
	case !c.AllowsAuth("slack"):
		return ""
	case err != nil || public == nil:
		return "/mcp" // which the manifest refuses, saying what to set
	}
	return public.Scheme + "://" + public.Host + "/mcp"
}

// newBot makes the Slack door in front of the rooms that back will be; nil where Slack is not configured.
func (b *Builder) newBot(back func() *lazyBackend) (*slackbot.Bot, error) {
	if !b.cfg.SlackConfigured() {
		return nil, nil
	}
	cfg, err := SlackConfig(b.cfg)
	if err != nil {
		return nil, err
	}
	cfg.Log = b.log
	cfg.Backend = func(ctx context.Context) (*slackbot.Backend, error) {
		rooms, err := back().get(ctx)
		if err != nil {
			return nil, err
		}
		return &slackbot.Backend{Service: rooms.Service, Gate: rooms.Gate, Links: back().components.store.Links}, nil
	}
	cfg.OpenProof = b.verifyProof
	cfg.Messages = func(ctx context.Context) (slackbot.MessageStore, error) {
		backend := back()
		if _, err := backend.get(ctx); err != nil {
			return nil, err
		}
		return backend.components.store, nil
	}
	return slackbot.New(cfg)
}

// startBot serves Slack until ctx is done, and ends the process when Slack will not have us. stop waits for its end.
func (b *Builder) startBot(ctx context.Context, fail context.CancelCauseFunc) (stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if b.bot == nil {
			return
		}
		if err := b.bot.Run(ctx); err != nil {
			fail(err)
		}
	}()
	return func(wait context.Context) error {
		cancel()
		select {
		case <-ended:
			return nil
		case <-wait.Done():
			return fmt.Errorf("slack: its last answers are still under way: %w", wait.Err())
		}
	}
}
