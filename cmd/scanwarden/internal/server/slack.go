package server

import (
	"context"
	"fmt"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/slackbot"
)

// SlackConfig returns the configuration of the Slack app without the backend behind it.
func SlackConfig(c *config.Config) (slackbot.Config, error) {
	operations, err := c.Operations()
	return slackbot.Config{
		Operations: operations, API: c.Slack.API, BotToken: c.Slack.BotToken, AppToken: c.Slack.AppToken,
		SigningSecret: c.Slack.SigningSecret, Channel: c.Slack.Channel, Commands: c.Slack.Commands,
		Approvers: c.ConfirmPolicy().Approvers, Requesters: c.ConfirmPolicy().Requesters, People: c.ConfirmPolicy().People, MatchEmail: c.Slack.MatchEmail,
		Assistant: c.AssistantURL(), LinkPage: c.LinkURL(),
	}, err
}

// newBot returns the Slack interface, or nil if Slack is not configured. backend returns what it calls, which is built
// later.
func (b *Builder) newBot(backend func() *lazyBackend) (*slackbot.Bot, error) {
	if !b.cfg.SlackConfigured() {
		return nil, nil
	}
	cfg, err := SlackConfig(b.cfg)
	if err != nil {
		return nil, err
	}
	cfg.Log = b.log
	cfg.Backend = func(ctx context.Context) (*slackbot.Backend, error) {
		built, err := backend().get(ctx)
		if err != nil {
			return nil, err
		}
		return &slackbot.Backend{Service: built.Service, Gate: built.Gate, Links: backend().components.store.Links}, nil
	}
	cfg.OpenProof = b.verifyProof
	cfg.Messages = func(ctx context.Context) (slackbot.MessageStore, error) {
		if _, err := backend().get(ctx); err != nil {
			return nil, err
		}
		return backend().components.store, nil
	}
	return slackbot.New(cfg)
}

// startBot serves Slack until ctx is done. If Slack refuses the app for good, everything else goes on: changes that only Slack could
// confirm are refused with the reason. stop ends it and waits for its last responses.
func (b *Builder) startBot(ctx context.Context) (stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if b.bot == nil {
			return
		}
		if err := b.bot.Run(ctx); err != nil {
			b.log.Error("Slack is no longer served; the rest goes on. Restart the server when this is mended", "error", err)
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
