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
	maxBody     = 1 << 20 // bytes of a request or an answer
	defaultTeam = "T01TEST"
)

// Options configures the workspace and the installed app. The zero value is an app over signed HTTP with all
// scopes; [Server.SetURLs] sets its URLs later.
type Options struct {
	SigningSecret string // "" means "test-signing-secret"
	BotToken      string // "" means "xoxb-test-token"
	AppToken      string // if set, the app is in socket mode and receives no requests at URLs
	Team          string // "" means "T01TEST"
	Enterprise    string // organization (E...) on Enterprise Grid, which clicks then name as the user's team; "" means none

	// Targets of signed HTTP requests. An empty URL means that the app's manifest does not have it: a test
	// that needs it fails.
	CommandURL, InteractionURL, EventURL string

	Scopes []string // scopes of the bot token; nil means all

	Now        func() time.Time // clock of triggers and response URLs, not of signatures; nil means time.Now
	AckWithin  time.Duration    // 0 means Slack's 3 s
	WaitAtMost time.Duration    // timeout of the Wait methods; 0 means a minute
	PingEvery  time.Duration    // interval of pings on each socket; 0 means 1 s
}

func (o Options) withDefaults() Options {
	o.SigningSecret = cmp.Or(o.SigningSecret, "test-signing-secret")
	o.BotToken = cmp.Or(o.BotToken, "xoxb-test-token")
	o.Team = cmp.Or(o.Team, defaultTeam)
	o.AckWithin = cmp.Or(o.AckWithin, 3*time.Second)
	o.WaitAtMost = cmp.Or(o.WaitAtMost, time.Minute)
	o.PingEvery = cmp.Or(o.PingEvery, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Server is one workspace with one installed app. Create it with [New]. It is safe for concurrent use.
type Server struct {
	t       testing.TB
	options Options
	http    *httptest.Server
	client  *http.Client
	methods map[string]apiMethod
	closed  chan struct{}
	serving sync.WaitGroup // socket handlers: httptest does not track hijacked connections

	mu            sync.Mutex    // guards the fields below
	changed       chan struct{} // closed and replaced at every change, to wake the Wait methods
	release       chan struct{} // closed to end hung calls
	issued        int           // number of issued ids
	users         map[string]User
	conversations map[string]*conversation
	groups        map[string][]string
	messages      []*storedMessage
	views         map[string]*openView
	stacks        map[string][]string // view ids by user; the last one is on top
	homes         map[string]*openView
	triggers      map[string]*trigger
	responseURLs  map[string]*responseURL // by the last part of the URL
	faults        []*queuedFault
	calls         []*Call
	violations    []string
	expected      []string
	tickets       map[string]bool // unused tickets for sockets
	sockets       []*socket
	nextSocket    int // index of the socket for the next envelope
	deliverTwice  bool
	rejectSockets bool
	envelopes     map[string]*envelope
}

// New starts a workspace that is closed at the end of the test.
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

// API returns the base URL of the Web API, with a trailing slash.
func (s *Server) API() string { return s.http.URL + "/api/" }

// SetURLs sets the URLs of an app that was started after the workspace. "" removes a URL.
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

// ClearFaults removes all queued faults and ends the calls that hang.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	close(s.release)
	s.release = make(chan struct{})
}

// Violations returns the rules that the app broke, without those that the test expected.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.violations), s.isExpected)
}

// ExpectViolations accepts earlier and later violations that contain one of the texts. Without texts it accepts
// all.
func (s *Server) ExpectViolations(texts ...string) {
	if len(texts) == 0 {
		texts = []string{""}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected = append(s.expected, texts...)
}

func (s *Server) isExpected(violation string) bool {
	return slices.ContainsFunc(s.expected, func(word string) bool { return strings.Contains(violation, word) })
}

// addViolation records a violation. The caller holds the lock.
func (s *Server) addViolation(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
	s.notifyWaiters()
}

// notifyWaiters wakes all Wait methods. The caller holds the lock.
func (s *Server) notifyWaiters() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// nextID returns a new id with this prefix. The caller holds the lock.
func (s *Server) nextID(prefix string) string {
	s.issued++
	return fmt.Sprintf("%s%08d", prefix, s.issued)
}

// nextTS returns a new timestamp, which identifies a message within its channel. The caller holds the lock.
func (s *Server) nextTS() string {
	s.issued++
	return fmt.Sprintf("%d.%06d", s.options.Now().Unix(), s.issued)
}
