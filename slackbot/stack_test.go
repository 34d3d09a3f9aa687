package slackbot_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

const (
	ada     = "U0ADA" // an approver
	eve     = "U0EVE" // an approver too
	bob     = "U0BOB" // the requester
	guest   = "U0GUEST"
	robot   = "U0ROBOT"
	other   = "U0OTHER" // of another workspace
	ghost   = "U0GHOST" // deactivated
	mallory = "U0MAL"   // a member without a role
	channel = "C0SCANS"
	team    = "T01TEST"
)

// stack is everything from Slack to the simulated tenant, over real HTTP and WebSockets.
type stack struct {
	*toolstest.Stack
	slack    *slacktest.Server
	bot      *slackbot.Bot
	cfg      slackbot.Config
	log      *syncBuffer
	notified atomic.Pointer[slackbot.Bot] // gets the transitions of changes
	urls     [2]string                    // for commands and interactions
	stopRun  func() error                 // ends the bot
}

// options configure a stack.
type options struct {
	sockets   bool
	noChannel bool // approvers get direct messages
	policy    func(*confirm.Policy)
	slack     func(*slacktest.Options)
	bot       func(*slackbot.Config)
	gate      func(*confirm.Config)
	noRun     bool             // do not call Run
	now       func() time.Time // nil means time.Now
}

func newStack(t testing.TB, opts options) *stack {
	t.Helper()
	s := &stack{log: &syncBuffer{}}
	policy := confirm.Policy{Approvers: []string{"slack:" + team + "/" + ada, "slack:" + team + "/" + eve}}
	if opts.policy != nil {
		opts.policy(&policy)
	}
	t.Cleanup(func() {
		saveCalls(t, s.slack.Calls())
		if t.Failed() {
			t.Logf("the bot's log:\n%s\nSlack saw: %+v", s.log, s.slack.Calls())
		}
	})
	s.openSlack(t, opts)
	s.Stack = toolstest.New(t, toolstest.Options{
		Tenant: defendertest.Options{Empty: true}, Policy: policy, Now: opts.now,
		Gate: func(cfg *confirm.Config) {
			cfg.OnTransition = func(c confirm.Change) {
				if b := s.notified.Load(); b != nil {
					b.OnTransition(c)
				}
			}
			if opts.gate != nil {
				opts.gate(cfg)
			}
		},
	})
	s.configure(t, opts, policy)
	s.startBot(t, opts)
	return s
}

func (s *stack) openSlack(t testing.TB, opts options) {
	o := slacktest.Options{SigningSecret: "signing-secret", BotToken: "xoxb-test", Team: team}
	if opts.sockets {
		o.AppToken = "xapp-test"
	}
	// On a busy machine an answer is late by the clock alone: the fake does not advance it, and waits longer than Slack does.
	now := time.Now()
	o.AckWithin, o.Now = 30*time.Second, func() time.Time { return now }
	if opts.slack != nil {
		opts.slack(&o)
	}
	s.slack = slacktest.New(t, o)
	for _, u := range []slacktest.User{
		{ID: ada, Name: "ada"}, {ID: eve, Name: "eve"}, {ID: bob, Name: "bob"}, {ID: mallory, Name: "mallory"},
		{ID: guest, Name: "guest", Guest: true}, {ID: robot, Name: "robot", Bot: true}, {ID: ghost, Name: "ghost", Deleted: true},
		{ID: other, Name: "other", Team: "T0OTHER", Stranger: true},
	} {
		s.slack.AddUser(u)
	}
	s.slack.AddChannel(channel, ada, eve, bob, mallory, guest, robot, other, ghost, s.slack.BotUser())
}

func (s *stack) configure(t testing.TB, opts options, policy confirm.Policy) {
	t.Helper()
	catalogue, err := tools.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.cfg = slackbot.Config{
		Operations: catalogue, API: s.slack.API(), BotToken: defender.NewSecret("xoxb-test"),
		Backend: func(context.Context) (*slackbot.Backend, error) {
			return &slackbot.Backend{Service: s.Service, Gate: s.Gate, Links: s.Store.Links}, nil
		},
		Messages:      func(context.Context) (slackbot.MessageStore, error) { return s.Store, nil },
		SigningSecret: defender.NewSecret("signing-secret"), Channel: channel, Approvers: policy.Approvers,
		Now: s.Now, Log: slog.New(slog.NewTextHandler(s.log, nil)), People: policy.People,
	}
	if opts.sockets {
		s.cfg.AppToken, s.cfg.SigningSecret = defender.NewSecret("xapp-test"), defender.Secret{}
	}
	if opts.noChannel {
		s.cfg.Channel = ""
	}
	if opts.bot != nil {
		opts.bot(&s.cfg)
	}
}

// startBot starts a new bot, with no memory of an earlier one.
func (s *stack) startBot(t testing.TB, opts options) {
	t.Helper()
	bot, err := slackbot.New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	bot.SetSocketDelay(0)
	if _, bench := t.(*testing.B); !bench {
		bot.SetPollInterval(50 * time.Millisecond) // clocks are advanced, not waited for
	}
	s.bot = bot
	s.notified.Store(bot)
	commands, interactions := httptest.NewServer(bot.Commands()), httptest.NewServer(bot.Interactions())
	t.Cleanup(func() { commands.Close(); interactions.Close() })
	s.urls = [2]string{commands.URL, interactions.URL}
	s.slack.SetURLs(commands.URL, interactions.URL, interactions.URL)
	s.stopRun = func() error { return nil }
	if opts.noRun {
		return
	}
	s.runBot(t)
	if opts.sockets {
		s.slack.WaitSockets(2)
	}
}

// runBot calls Run until stopRun or the end of the test.
func (s *stack) runBot(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	bot := s.bot // a test may start another one
	go func() { ended <- bot.Run(ctx) }()
	s.stopRun = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = s.stopRun() })
}

// stopBot stops the bot and waits until Slack has noticed: until then Slack may send to a socket that is not read.
func (s *stack) stopBot(t testing.TB) {
	t.Helper()
	if err := s.stopRun(); err != nil {
		t.Fatal(err)
	}
	s.slack.Wait("the bot's sockets to close", func() bool { return s.slack.Sockets() == 0 })
}

// syncBuffer is a log that is safe for concurrent use.
type syncBuffer struct {
	mu    sync.Mutex
	text  []byte
	grown chan struct{} // closed at the next write; nil if nobody waits
}

// next returns a channel that is closed at the next write.
func (b *syncBuffer) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grown == nil {
		b.grown = make(chan struct{})
	}
	return b.grown
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	if b.grown != nil {
		close(b.grown)
		b.grown = nil
	}
	return len(p), nil
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}
