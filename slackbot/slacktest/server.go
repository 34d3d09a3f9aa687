package slacktest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// object is a JSON object.
type object = map[string]any

const (
	appID       = "A01APP"
	botID       = "B01BOT"
	botUser     = "U01BOT"
	botName     = "scanwarden"
	maxBody     = 1 << 20 // bytes in a request or an answer
	defaultTeam = "T01TEST"
)

// Options says what the workspace and the installed app are like. The zero value is an app over signed HTTP
// with every scope; its URLs are then set with [Server.SetURLs].
type Options struct {
	SigningSecret string // "" is "test-signing-secret"
	BotToken      string // "" is "xoxb-test-token"
	AppToken      string // with one the app is in socket mode, and no request is sent to a URL
	Team          string // "" is "T01TEST"
	Enterprise    string // the organisation (E...) on Enterprise Grid, by which clicks then name people; "" is none

	// Where signed HTTP goes: slash commands, interactions, events. One without a URL is a thing that the
	// app's manifest does not have: a test that needs it fails.
	CommandURL, InteractionURL, EventURL string

	Scopes []string // of the bot token; nil is all of them

	Now        func() time.Time // the clock of triggers and response URLs, not of signatures; nil is time.Now
	AckWithin  time.Duration    // 0 is Slack's 3 s
	WaitAtMost time.Duration    // how long the Wait methods wait; 0 is 10 s
	PingEvery  time.Duration    // on each socket; 0 is 1 s
}

func (o Options) withDefaults() Options {
	o.SigningSecret = cmp.Or(o.SigningSecret, "test-signing-secret")
	o.BotToken = cmp.Or(o.BotToken, "xoxb-test-token")
	o.Team = cmp.Or(o.Team, defaultTeam)
	o.AckWithin = cmp.Or(o.AckWithin, 3*time.Second)
	o.WaitAtMost = cmp.Or(o.WaitAtMost, 10*time.Second)
	o.PingEvery = cmp.Or(o.PingEvery, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Server is one workspace with one app installed. Make it with [New]; it is safe for concurrent use.
type Server struct {
	t       testing.TB
	options Options
	http    *httptest.Server
	client  *http.Client
	methods map[string]apiMethod
	closed  chan struct{}
	serving sync.WaitGroup // socket handlers: httptest forgets hijacked connections

	mu            sync.Mutex    // guards all below
	changed       chan struct{} // closed at every change, for those who wait
	release       chan struct{} // closed to let hung calls go
	issued        int           // ids given out
	users         map[string]User
	conversations map[string]*conversation
	groups        map[string][]string
	messages      []*storedMessage
	views         map[string]*openView
	stacks        map[string][]string // view ids by user, the one on top last
	homes         map[string]*openView
	triggers      map[string]*trigger
	responseURLs  map[string]*responseURL // response URLs by their last part
	faults        []*queuedFault
	calls         []*Call
	violations    []string
	expected      []string
	tickets       map[string]bool // of sockets, until used
	sockets       []*socket
	nextSocket    int // whose turn the next envelope is
	deliverTwice  bool
	envelopes     map[string]*envelope
}

// New starts a workspace that closes with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{
		t: t, options: o.withDefaults(),
		closed: make(chan struct{}), changed: make(chan struct{}), release: make(chan struct{}),
		users: map[string]User{}, conversations: map[string]*conversation{}, groups: map[string][]string{},
		views: map[string]*openView{}, stacks: map[string][]string{}, homes: map[string]*openView{},
		triggers: map[string]*trigger{}, responseURLs: map[string]*responseURL{}, tickets: map[string]bool{},
		envelopes: map[string]*envelope{},
	}
	s.methods = s.methodTable()
	s.users[botUser] = User{ID: botUser, Name: botName, Team: s.options.Team, Bot: true}
	s.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.http = httptest.NewServer(s.routes())
	t.Cleanup(s.close)
	return s
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveMethod)
	mux.HandleFunc("POST /response/{hook}", s.serveResponseURL)
	mux.HandleFunc("GET /link/", s.serveSocket)
	return mux
}

// API is the base URL of the Web API; it ends with a slash.
func (s *Server) API() string { return s.http.URL + "/api/" }

// SetURLs says where the app serves, for an app that was started after the workspace. "" takes one away.
func (s *Server) SetURLs(command, interaction, event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.CommandURL, s.options.InteractionURL, s.options.EventURL = command, interaction, event
}

func (s *Server) close() {
	s.t.Helper()
	close(s.closed)
	s.DisconnectSockets("", false)
	s.http.Close()
	s.serving.Wait()
	s.client.CloseIdleConnections()
	for _, v := range s.Violations() {
		s.t.Errorf("slacktest: the app broke a rule of Slack: %s", v)
	}
}

// ClearFaults calls off the faults that have not struck, and cuts the calls that hang.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	close(s.release)
	s.release = make(chan struct{})
}

// Violations lists the rules that the app broke and the test did not expect it to break.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.violations), s.isExpected)
}

// ExpectViolations forgives those that contain one of the words, before and after; without words, all.
func (s *Server) ExpectViolations(containing ...string) {
	if len(containing) == 0 {
		containing = []string{""}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = append(s.expected, containing...)
}

func (s *Server) isExpected(violation string) bool {
	return slices.ContainsFunc(s.expected, func(word string) bool { return strings.Contains(violation, word) })
}

// addViolation needs the lock.
func (s *Server) addViolation(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
	s.notifyWaiters()
}

// notifyWaiters wakes those who wait. It needs the lock.
func (s *Server) notifyWaiters() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// nextID gives out the next id with this prefix. It needs the lock.
func (s *Server) nextID(prefix string) string {
	s.issued++
	return fmt.Sprintf("%s%08d", prefix, s.issued)
}

// nextTS gives out the next timestamp, which is a message's id within its channel. It needs the lock.
func (s *Server) nextTS() string {
	s.issued++
	return fmt.Sprintf("%d.%06d", s.options.Now().Unix(), s.issued)
}
