package slackbot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// Backend holds what the bot calls. Config.Backend returns it as soon as it is ready.
type Backend struct {
	Service *tools.Service
	Gate    *confirm.Gate
	// Links returns all identity links, as confirm.Store does. Only Config.MatchEmail needs it.
	Links func(ctx context.Context) ([]confirm.Link, error)
}

// MessageStore keeps where confirmation messages were posted, so that they are updated after a restart and by another
// replica. The store implements it.
type MessageStore interface {
	// SaveMessage inserts a message, or replaces the one with the same change and channel.
	SaveMessage(ctx context.Context, msg confirm.Message) error
	// Messages returns the messages of one change.
	Messages(ctx context.Context, change string) ([]confirm.Message, error)
	// OutdatedMessages returns the messages after a given one that show an older version of their change than the store has,
	// oldest first. The zero message is before all others.
	OutdatedMessages(ctx context.Context, after confirm.Message, limit int) ([]confirm.Message, error)
}

// Config configures a Bot.
type Config struct {
	Operations    []tools.Operation
	Backend       func(ctx context.Context) (*Backend, error)
	Messages      func(ctx context.Context) (MessageStore, error)
	API           string // "" means https://slack.com/api/ ; ends with a slash
	BotToken      tools.Secret
	AppToken      tools.Secret      // socket mode when there is one
	SigningSecret tools.Secret      // signed HTTP otherwise
	Channel       string            // the ID of the channel for confirmation messages; "" means direct messages to the approvers
	Commands      map[string]string // slash command by operation, and by "scans"; the default is "/" + operation
	Approvers     []string          // as in confirm.Policy: they get direct messages and reminders
	Requesters    []string          // as in confirm.Policy: the members of their user groups are read from Slack
	Assistant     string            // for the manifest: the URL at which Slack's assistant calls us as an MCP client; "" means not at all

	LinkPage   string                                             // PUBLIC_URL/link, where a user signs in to link accounts; "" means not offered
	OpenProof  func(text string, now time.Time) (SignedIn, error) // opens a proof from that page; the error is one sentence for the user
	MatchEmail bool                                               // link accounts by the e-mail address that Slack has confirmed
	People     []confirm.Person                                   // as in confirm.Policy: their addresses are matched

	Log *slog.Logger     // nil means no log
	Now func() time.Time // nil means time.Now
}

// apiTimeout bounds one call to Slack. slack-go has no timeout of its own.
const apiTimeout = 10 * time.Second

// Bot serves commands, modals and buttons, and keeps confirmation messages up to date. Make one with New. It is safe
// for concurrent use.
type Bot struct {
	cfg      Config
	api      *slack.Client
	http     *http.Client
	commands map[string]string    // operation, or "scans", by normalized slash command
	forms    map[string]form.Form // by operation

	users    userReader
	dedup    *dedup
	workers  *workers
	outbox   *postOutbox
	progress *progressNotes
	warned   warnLog
	pacer    *socketPacer
	wake     chan struct{}   // wakes notifyLoop
	fatal    chan error      // an authentication error that ends Run
	updated  confirm.Message // the last message that notifyLoop looked at to update it; zero to begin with the oldest
	waits    waits

	scopesCompared sync.Once
	ended          atomic.Pointer[string] // why Slack is no longer served; nil while it is
}

// New returns a Bot. It makes no call to Slack.
func New(cfg Config) (*Bot, error) {
	cfg.API = cmp.Or(cfg.API, slack.APIURL)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	b := &Bot{
		cfg: cfg, http: &http.Client{Timeout: apiTimeout}, forms: map[string]form.Form{},
		dedup: newDedup(), workers: newWorkers(), outbox: newPostOutbox(), progress: newProgressNotes(),
		warned: newWarnLog(), pacer: newSocketPacer(cfg.Log),
		wake: make(chan struct{}, 1), fatal: make(chan error, 1), waits: defaultWaits,
	}
	b.api = slack.New(revealString(cfg.BotToken), slack.OptionAPIURL(cfg.API), slack.OptionHTTPClient(b.http),
		slack.OptionAppLevelToken(revealString(cfg.AppToken)))
	b.users = userReader{userDirectory: newUserDirectory(b.api, cfg)}
	if err := b.loadOperations(); err != nil {
		return nil, err
	}
	return b, nil
}

// loadOperations makes a form and a slash command for each operation that proposes changes.
func (b *Bot) loadOperations() error {
	var err error
	if b.commands, err = commandNames(b.cfg); err != nil {
		return err
	}
	for _, op := range b.cfg.Operations {
		if op.Effect != tools.Proposes {
			continue
		}
		f, err := form.New(op)
		if err != nil {
			return fmt.Errorf("form of %s: %w", op.Name, err)
		}
		b.forms[op.Name] = f
	}
	return nil
}

func (cfg Config) validate() error {
	switch {
	case cfg.Backend == nil || cfg.Messages == nil:
		return errors.New("slack: Backend and Messages are required")
	case cfg.BotToken.Empty():
		return errors.New("slack: the bot token is missing; set SLACK_BOT_TOKEN to the app's xoxb- token")
	case cfg.AppToken.Empty() && cfg.SigningSecret.Empty():
		return errors.New("slack: set SLACK_APP_TOKEN for socket mode, or SLACK_SIGNING_SECRET for signed HTTP")
	case !strings.HasSuffix(cfg.API, "/"):
		return fmt.Errorf("slack: SLACK_API_URL must end with a slash, and %q does not", cfg.API)
	case cfg.LinkPage != "" && cfg.OpenProof == nil:
		return errors.New("slack: LinkPage requires OpenProof")
	case cfg.Channel != "" && !blocks.IsID(cfg.Channel):
		return fmt.Errorf("slack: channel %q is not a channel ID; copy it from the channel's details, such as C0123456789", cfg.Channel)
	}
	return nil
}

// OnTransition is called by confirm.Gate for each transition. It wakes notifyLoop and returns at once.
func (b *Bot) OnTransition(c confirm.Change) {
	b.outbox.own(c.ID, b.cfg.Now())
	b.wakeNotifier()
}

// wakeNotifier starts the next round of notifyLoop without waiting for its timer.
func (b *Bot) wakeNotifier() {
	select {
	case b.wake <- struct{}{}:
	default: // a round is due already
	}
}

// revealString returns a secret as the string that slack-go takes.
func revealString(s tools.Secret) (text string) {
	_ = s.Reveal(func(secret string) error { text = secret; return nil })
	return text
}

// msgReadOnly is the reply to a request for a change on a read-only server.
const msgReadOnly = "This server is read-only: no change is proposed, confirmed or withdrawn through it, and nothing was done."

// isReadOnly reports whether no operation proposes changes. Such a bot lists scans and posts no confirmation messages.
// It leaves the messages of an earlier server as they are, and their buttons only get msgReadOnly as an answer.
func (b *Bot) isReadOnly() bool { return len(b.forms) == 0 }
