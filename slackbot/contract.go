// Package slackbot is the door for people in Slack: slash commands, modals, and the buttons that confirm.
package slackbot

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// Backend is what the bot needs behind it.
type Backend struct {
	Desk *tools.Desk
	Gate *confirm.Gate
}

// Notices remembers where changes were put to people, so that messages are rewritten after a restart and by
// another replica. The ledger implements it.
type Notices interface {
	// SaveNotice keeps n, or replaces the one of the same change and place.
	SaveNotice(ctx context.Context, n confirm.Notice) error
	// Notices lists where one change was put.
	Notices(ctx context.Context, change string) ([]confirm.Notice, error)
	// OutdatedNotices lists those that show an older version of their change than the ledger holds, oldest first.
	OutdatedNotices(ctx context.Context, limit int) ([]confirm.Notice, error)
}

// Config configures a Bot.
type Config struct {
	Operations    []tools.Operation
	Backend       func(ctx context.Context) (*Backend, error)
	Notices       func(ctx context.Context) (Notices, error)
	API           string // "" means https://slack.com/api/ ; ends with a slash
	BotToken      tools.Secret
	AppToken      tools.Secret      // socket mode when there is one
	SigningSecret tools.Secret      // signed HTTP otherwise
	Channel       string            // where changes are put to people; "" means direct messages to the approvers
	Commands      map[string]string // slash command by operation, and "scans"; absent ones are "/" + operation
	Approvers     []string          // as in confirm.Policy: whom to send direct messages and reminders
	Log           *slog.Logger
	Now           func() time.Time
}

// Bot is the Slack face.
type Bot struct{}

func New(cfg Config) (*Bot, error) { panic("contract") }

// Run serves until ctx is done: the socket connections in socket mode, and in both modes the posting,
// rewriting and reminding. An authentication failure that cannot heal ends it with an error that says what to do.
func (b *Bot) Run(ctx context.Context) error { panic("contract") }

// Moved is for confirm.Config.Moved: it wakes the posting and rewriting.
func (b *Bot) Moved(c confirm.Change) { panic("contract") }

// Commands and Interactions serve Slack's signed HTTP requests (/slack/command, /slack/interaction).
func (b *Bot) Commands() http.Handler     { panic("contract") }
func (b *Bot) Interactions() http.Handler { panic("contract") }

// Manifest is the app manifest (JSON) for this configuration; url is the public base URL, "" in socket mode.
func Manifest(cfg Config, url string) ([]byte, error) { panic("contract") }
