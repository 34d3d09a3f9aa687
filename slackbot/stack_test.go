package slackbot_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
	"scanwarden/tools"
)

const (
	ada     = "U0ADA" // an approver
	eve     = "U0EVE" // an approver too
	bob     = "U0BOB" // who asks
	guest   = "U0GUEST"
	robot   = "U0ROBOT"
	other   = "U0OTHER" // of another workspace
	ghost   = "U0GHOST" // deactivated
	mallory = "U0MAL"   // a member, and nobody
	channel = "C0SCANS"
	team    = "T01TEST"
)

// house is everything from Slack to the simulated tenant, over real HTTP and WebSockets.
type house struct {
	slack   *slacktest.Server
	tenant  *defendertest.Server
	ledger  *store.Store
	gate    *confirm.Gate
	desk    *tools.Service
	bot     *slackbot.Bot
	cfg     slackbot.Config
	log     *syncBuffer
	moved   atomic.Pointer[slackbot.Bot]
	ahead   atomic.Int64 // seconds by which all clocks are ahead
	behalf  sync.Map     // in whose names Defender was read
	scanner string
	urls    [2]string    // of commands and interactions
	stop    func() error // ends the bot
}

// plan is how a house is built.
type plan struct {
	sockets bool
	direct  bool // no channel
	policy  func(*confirm.Policy)
	slack   func(*slacktest.Options)
	bot     func(*slackbot.Config)
	asleep  bool // Run is not called
}

func newHouse(t testing.TB, p plan) *house {
	t.Helper()
	h := &house{tenant: defendertest.New(defendertest.Options{Empty: true}), log: &syncBuffer{}}
	h.scanner = h.tenant.AddScanner("scanner-1.example.com", time.Now())
	policy := confirm.Policy{Approvers: []string{"slack:" + team + "/" + ada, "slack:" + team + "/" + eve}}
	if p.policy != nil {
		p.policy(&policy)
	}
	t.Cleanup(func() {
		keepCalls(t, h.slack.Calls())
		if t.Failed() {
			t.Logf("the bot's log:\n%s\nSlack saw: %+v", h.log, h.slack.Calls())
		}
	})
	h.openSlack(t, p)
	h.rooms(t, policy)
	h.configure(t, p, policy)
	h.start(t, p)
	return h
}

func (h *house) openSlack(t testing.TB, p plan) {
	o := slacktest.Options{SigningSecret: "signing-secret", BotToken: "xoxb-test", Team: team}
	if p.sockets {
		o.AppToken = "xapp-test"
	}
	if p.slack != nil {
		p.slack(&o)
	}
	h.slack = slacktest.New(t, o)
	for _, u := range []slacktest.User{
		{ID: ada, Name: "ada"}, {ID: eve, Name: "eve"}, {ID: bob, Name: "bob"}, {ID: mallory, Name: "mallory"},
		{ID: guest, Name: "guest", Guest: true}, {ID: robot, Name: "robot", Bot: true}, {ID: ghost, Name: "ghost", Deleted: true},
		{ID: other, Name: "other", Team: "T0OTHER", Stranger: true},
	} {
		h.slack.AddUser(u)
	}
	h.slack.AddChannel(channel, ada, eve, bob, mallory, guest, robot, other, ghost, h.slack.BotUser())
}

// rooms builds what stands behind the door.
func (h *house) rooms(t testing.TB, policy confirm.Policy) {
	t.Helper()
	api := httptest.NewServer(h.tenant)
	t.Cleanup(func() { h.tenant.Close(); api.Close() })
	dir := t.TempDir()
	var err error
	if h.ledger, err = store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyDir: dir}); err != nil {
		t.Fatal(err)
	}
	cfg := defender.Config{URL: api.URL, Token: func(context.Context, defender.TokenRequest) (string, error) { return "simulator", nil }}
	own := cfg
	own.Token = func(_ context.Context, want defender.TokenRequest) (string, error) {
		h.behalf.Store(want.Actor.User, true)
		return "simulator", nil
	}
	reader, err := defender.New(own)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := defender.NewWriter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	live, err := defender.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	executor := tools.NewExecutor(live, writer, nil)
	h.gate = confirm.New(confirm.Config{
		Store: h.ledger, Policy: policy, Target: "simulator", Now: h.now,
		Execute: executor.Execute, Reconcile: executor.Reconcile,
		OnTransition: func(c confirm.Change) {
			if b := h.moved.Load(); b != nil {
				b.OnTransition(c)
			}
		},
	})
	t.Cleanup(func() {
		if err := h.gate.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		if err := h.ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	h.desk = tools.NewService(tools.Config{Reader: reader, Gate: h.gate, Policy: policy, Target: "simulator"})
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load()) * time.Second) }

func (h *house) configure(t testing.TB, p plan, policy confirm.Policy) {
	t.Helper()
	catalogue, err := tools.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	h.cfg = slackbot.Config{
		Operations: catalogue, API: h.slack.API(), BotToken: defender.NewSecret("xoxb-test"),
		Backend: func(context.Context) (*slackbot.Backend, error) {
			return &slackbot.Backend{Service: h.desk, Gate: h.gate, Links: h.ledger.Links}, nil
		},
		Messages:      func(context.Context) (slackbot.MessageStore, error) { return h.ledger, nil },
		SigningSecret: defender.NewSecret("signing-secret"), Channel: channel, Approvers: policy.Approvers,
		Now: h.now, Log: slog.New(slog.NewTextHandler(h.log, nil)), People: policy.People,
	}
	if p.sockets {
		h.cfg.AppToken, h.cfg.SigningSecret = defender.NewSecret("xapp-test"), defender.Secret{}
	}
	if p.direct {
		h.cfg.Channel = ""
	}
	if p.bot != nil {
		p.bot(&h.cfg)
	}
}

// start opens the door: a new bot, which knows nothing of what one before it did.
func (h *house) start(t testing.TB, p plan) {
	t.Helper()
	bot, err := slackbot.New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	bot.SetStagger(0)
	h.bot = bot
	h.moved.Store(bot)
	commands, interactions := httptest.NewServer(bot.Commands()), httptest.NewServer(bot.Interactions())
	t.Cleanup(func() { commands.Close(); interactions.Close() })
	h.urls = [2]string{commands.URL, interactions.URL}
	h.slack.SetURLs(commands.URL, interactions.URL, interactions.URL)
	h.stop = func() error { return nil }
	if p.asleep {
		return
	}
	h.run(t)
	if p.sockets {
		h.slack.WaitSockets(2)
	}
}

// run wakes the bot, until h.stop or the end of the test.
func (h *house) run(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	bot := h.bot // a test may start another one
	go func() { ended <- bot.Run(ctx) }()
	h.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = h.stop() })
}

// leave stops the bot, and waits until Slack knows: until then it may send to a socket that nobody reads any more.
func (h *house) leave(t testing.TB) {
	t.Helper()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h.slack.Wait("the bot's sockets to close", func() bool { return h.slack.Sockets() == 0 })
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}
