package slackbot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// Backend is what the bot needs behind it.
type Backend struct {
	Service *tools.Service
	Gate    *confirm.Gate
	// Links lists whose accounts are joined, as confirm.Ledger does; only Config.MatchEmail needs it.
	Links func(ctx context.Context) ([]confirm.Link, error)
}

// MessageStore remembers where changes were put to people, so that messages are rewritten after a restart and by
// another replica. The ledger implements it.
type MessageStore interface {
	// SaveMessage keeps n, or replaces the one of the same change and place.
	SaveMessage(ctx context.Context, n confirm.Message) error
	// Messages lists where one change was put.
	Messages(ctx context.Context, change string) ([]confirm.Message, error)
	// OutdatedMessages lists those that show an older version of their change than the ledger holds, oldest first.
	OutdatedMessages(ctx context.Context, limit int) ([]confirm.Message, error)
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
	Channel       string            // where changes are put to people; "" means direct messages to the approvers
	Commands      map[string]string // slash command by operation, and "scans"; absent ones are "/" + operation
	Approvers     []string          // as in confirm.Policy: whom to send direct messages and reminders
	Requesters    []string          // as in confirm.Policy: Slack is asked who is in their user groups
	Assistant     string            // the URL at which Slack's own assistant calls us as an MCP client, for the manifest; "" where it may not

	LinkPage   string                                             // where people sign in to join accounts, PUBLIC_URL/link; "" means that this is not offered
	OpenProof  func(text string, now time.Time) (SignedIn, error) // opens what that page shows; an error is one sentence for the person
	MatchEmail bool                                               // join people by the e-mail address that Slack confirmed
	People     []confirm.Person                                   // as in confirm.Policy: whose addresses are matched

	Log *slog.Logger     // nil means silence
	Now func() time.Time // nil means time.Now
}

// apiTimeout bounds one call to Slack; it has no bound of its own.
const apiTimeout = 10 * time.Second

// Bot is the Slack face. Make one with New; it is safe for concurrent use.
type Bot struct {
	cfg         Config
	api         *slack.Client
	http        *http.Client
	commands    map[string]string    // operation, or "scans", by slash command in its plain spelling
	forms       map[string]form.Form // by operation
	users       *userDirectory       // who is behind a user id
	dedup       *dedup               // what was delivered already
	workers     *workers             // goroutines in progress
	outbox      *postOutbox          // what has to be posted
	progress    *progressNotes       // what executing changes wait for
	wake        chan struct{}        // the posting and rewriting has something to do
	socketDelay time.Duration        // between the two sockets
	fatal       chan error           // an authentication failure that cannot heal
}

// New returns a bot; it makes no call.
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
		wake: make(chan struct{}, 1), socketDelay: 15 * time.Second, fatal: make(chan error, 1),
	}
	b.api = slack.New(revealString(cfg.BotToken), slack.OptionAPIURL(cfg.API), slack.OptionHTTPClient(b.http),
		slack.OptionAppLevelToken(revealString(cfg.AppToken)))
	b.users = newUserDirectory(b.api, cfg)
	if err := b.loadOperations(); err != nil {
		return nil, err
	}
	return b, nil
}

// loadOperations reads the catalogue: a form and a slash command for each operation that changes scans.
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
		return errors.New("slack: Backend and Notices are needed")
	case cfg.BotToken.Empty():
		return errors.New("slack: the bot token is missing; set SLACK_BOT_TOKEN to the app's xoxb- token")
	case cfg.AppToken.Empty() && cfg.SigningSecret.Empty():
		return errors.New("slack: set SLACK_APP_TOKEN for socket mode, or SLACK_SIGNING_SECRET for signed HTTP")
	case !strings.HasSuffix(cfg.API, "/"):
		return fmt.Errorf("slack: SLACK_API_URL must end with a slash, and %q does not", cfg.API)
	case cfg.LinkPage != "" && cfg.OpenProof == nil:
		return errors.New("slack: OpenProof is needed where LinkPage is offered")
	case cfg.Channel != "" && !blocks.IsID(cfg.Channel):
		return fmt.Errorf("slack: channel %q is not a channel's id; copy it from the channel's details, such as C0123456789", cfg.Channel)
	}
	return nil
}

// Run serves until ctx is done: the socket connections in socket mode, and in both modes the posting,
// rewriting and reminding. An authentication failure that cannot heal ends it with an error that says what to do.
func (b *Bot) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer b.workers.stop()
	defer stop()
	if !b.cfg.AppToken.Empty() {
		defer b.runSockets(ctx)()
	}
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		b.notifyLoop(ctx)
	}()
	defer func() { stop(); <-kept }()
	select {
	case err := <-b.fatal:
		return err
	case <-ctx.Done():
		return nil
	}
}

// OnTransition is for confirm.Config.Moved: it wakes the posting and rewriting.
func (b *Bot) OnTransition(c confirm.Change) {
	b.outbox.own(c.ID, b.cfg.Now())
	b.wakeNotifier()
}

// wakeNotifier makes the posting and rewriting look at once.
func (b *Bot) wakeNotifier() {
	select {
	case b.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// stopIfFatal ends Run when err says that Slack will never take our tokens.
func (b *Bot) stopIfFatal(err error) {
	if why := fatalError(err); why != nil {
		select {
		case b.fatal <- why:
		default: // it is ending already
		}
	}
}

// revealString hands a secret to slack-go, which takes strings.
func revealString(s tools.Secret) (text string) {
	_ = s.Reveal(func(secret string) error { text = secret; return nil })
	return text
}
