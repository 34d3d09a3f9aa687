package server

import (
	"context"
	"fmt"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/slackbot"
)

// slackBotConfig is what the bot is told, but for the rooms behind it.
func SlackConfig(c *config.Config) (slackbot.Config, error) {
	operations, err := c.Operations()
	return slackbot.Config{
		Operations: operations, API: c.Slack.API, BotToken: c.Slack.BotToken, AppToken: c.Slack.AppToken,
		SigningSecret: c.Slack.SigningSecret, Channel: c.Slack.Channel, Commands: c.Slack.Commands,
		Approvers: c.ConfirmPolicy().Approvers, Requesters: c.ConfirmPolicy().Requesters, People: c.ConfirmPolicy().People, MatchEmail: c.Slack.MatchEmail,
		Assistant: c.AssistantURL(), LinkPage: c.LinkURL(),
	}, err
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
			return fmt.Errorf("slack: the last responses are still being sent: %w", wait.Err())
		}
	}
}
