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

// slackConfigured reports whether there is an app to speak through.
func (c *config) slackConfigured() bool { return !c.Slack.BotToken.Empty() }

func (c *config) checkSlack() error {
	s := c.Slack
	switch {
	case s.BotToken.Empty() && (!s.AppToken.Empty() || !s.SigningSecret.Empty()):
		return errors.New("SLACK_BOT_TOKEN is missing, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET is set; set it to the app's xoxb- token")
	case c.slackConfigured() && s.AppToken.Empty() && s.SigningSecret.Empty():
		return errors.New("SLACK_BOT_TOKEN is set, and nothing says how Slack reaches scanwarden; set SLACK_APP_TOKEN for socket mode, or SLACK_SIGNING_SECRET for HTTP")
	}
	if strings.HasPrefix(s.Channel, "#") {
		return c.at("slack.channel").wrong("%q is a name, and Slack knows channels by their ids; open the channel's details in Slack, copy the id at their end, and write it, such as C0123456789", s.Channel)
	}
	return c.checkCommands()
}

// checkCommands makes the catalogue only where it is needed: that takes a good part of the time to the handshake.
func (c *config) checkCommands() error {
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
			return c.at("slack.commands", name).wrong("%q is not something to have a command for; name one of %v", name, known)
		}
	}
	return nil
}

// slack is what the bot is told, but for the rooms behind it.
func (c *config) slack() (slackbot.Config, error) {
	operations, err := c.catalogue()
	return slackbot.Config{
		Operations: operations, API: c.Slack.API, BotToken: c.Slack.BotToken, AppToken: c.Slack.AppToken,
		SigningSecret: c.Slack.SigningSecret, Channel: c.Slack.Channel, Commands: c.Slack.Commands,
		Approvers: c.policy().Approvers, Requesters: c.policy().Requesters, People: c.policy().People, MatchEmail: c.Slack.MatchEmail,
		Assistant: c.assistant(), LinkPage: c.linkURL(),
	}, err
}

// assistant is the URL at which Slack's own assistant calls us, "" where it may not.
func (c *config) assistant() string {
	public, err := c.publicOrigin()
	switch {
	case !c.admits("slack"):
		return ""
	case err != nil || public == nil:
		return "/mcp" // which the manifest refuses, saying what to set
	}
	return public.Scheme + "://" + public.Host + "/mcp"
}

// newBot makes the Slack door in front of the rooms that back will be; nil where Slack is not configured.
func (bp blueprint) newBot(back func() *backend) (*slackbot.Bot, error) {
	if !bp.cfg.slackConfigured() {
		return nil, nil
	}
	cfg, err := bp.cfg.slack()
	if err != nil {
		return nil, err
	}
	cfg.Log = bp.log
	cfg.Backend = func(ctx context.Context) (*slackbot.Backend, error) {
		rooms, err := back().wait(ctx)
		if err != nil {
			return nil, err
		}
		return &slackbot.Backend{Service: rooms.Service, Gate: rooms.Gate, Links: back().house.store.Links}, nil
	}
	cfg.OpenProof = bp.openProof
	cfg.Messages = func(ctx context.Context) (slackbot.MessageStore, error) {
		b := back()
		if _, err := b.wait(ctx); err != nil {
			return nil, err
		}
		return b.house.store, nil
	}
	return slackbot.New(cfg)
}

// runBot serves Slack until ctx is done, and ends the process when Slack will not have us. stop waits for its end.
func (bp blueprint) runBot(ctx context.Context, fail context.CancelCauseFunc) (stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if bp.bot == nil {
			return
		}
		if err := bp.bot.Run(ctx); err != nil {
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

type manifestCommand struct {
	policyFlags
	httpFlags
	slackFlags
	ledgerFlags
}

// Run prints the app manifest: for HTTP where a public URL is set and no app token, else for socket mode.
func (manifestCommand) Run(w world, flags flagValues) error {
	cfg, err := load(w.environment, flags)
	if err != nil {
		return err
	}
	bot, err := cfg.slack()
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
	_, err = fmt.Fprintln(w.out, string(manifest))
	return err
}
