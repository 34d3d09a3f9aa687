// Package slacktest is a strict fake Slack for tests: one workspace in memory behind real HTTP and real
// WebSockets.
package slacktest

import (
	"encoding/json"
	"errors"
	"time"
)

var errContract = errors.New("contract")

type Server struct{}

func New(t TB, o Options) *Server { panic(errContract) }

// TB is what New needs of a testing.TB.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

type Options struct {
	SigningSecret, BotToken, AppToken, Team string   // "" : secret/xoxb-test/(no socket mode)/T01TEST
	CommandURL, InteractionURL, EventURL    string   // HTTP mode
	Scopes                                  []string // nil: all
	Now                                     func() time.Time
	AckWithin                               time.Duration // 0: 3 s
	WaitAtMost                              time.Duration // 0: 10 s, for the Wait... methods
	PingEvery                               time.Duration // 0: 1 s
}

func (s *Server) API() string                                { panic(errContract) }
func (s *Server) SetURLs(command, interaction, event string) { panic(errContract) }
func (s *Server) AddUser(u User)                             { panic(errContract) }
func (s *Server) AddChannel(id string, members ...string)    { panic(errContract) }
func (s *Server) AddGroup(id string, members ...string)      { panic(errContract) }
func (s *Server) DM(user string) string                      { panic(errContract) } // D... id
func (s *Server) BotUser() string                            { panic(errContract) }

type User struct {
	ID, Name, Team, Email                     string
	Bot, Guest, UltraGuest, Deleted, Stranger bool
}

// Ack is what came of something a person did.
type Ack struct {
	Status      int             // HTTP status; 200 in socket mode
	Body        json.RawMessage // nil when empty
	Elapsed     time.Duration
	Err         error // ErrNoResponse, or what was wrong with the answer
	TriggerID   string
	ResponseURL string
	Sent        Raw // HTTP mode: the request as sent, to vary and SendRaw
}

// Errors of a response_action "errors", by block_id.
func (a *Ack) Errors() map[string]string { panic(errContract) }

// Options that a block_suggestion was answered with.
func (a *Ack) Options() []Option { panic(errContract) }

var ErrNoResponse = errors.New("slacktest: app did not respond")

// Raw is one signed request. The zero Timestamp is now, "" Secret the right one; Signature overrides.
type Raw struct {
	URL, Body, Secret, Signature string
	Timestamp                    time.Time
	Unsigned                     bool
}

func (s *Server) Command(user, channel, command, text string) *Ack        { panic(errContract) }
func (s *Server) Click(user string, m Message, actionID string) *Ack      { panic(errContract) }
func (s *Server) ClickView(user string, v View, actionID string) *Ack     { panic(errContract) }
func (s *Server) Submit(user string, v View, values map[string]any) *Ack  { panic(errContract) }
func (s *Server) CloseView(user string, v View) *Ack                      { panic(errContract) }
func (s *Server) Suggest(user string, v View, blockID, query string) *Ack { panic(errContract) }
func (s *Server) OpenHome(user string) *Ack                               { panic(errContract) }
func (s *Server) Replay(a *Ack) *Ack                                      { panic(errContract) }
func (s *Server) SendRaw(r Raw) *Ack                                      { panic(errContract) }

type Message struct {
	Channel, TS, ThreadTS, User, Text string
	Blocks                            json.RawMessage
	Ephemeral                         bool
	To                                string // ephemeral: who sees it
	Edited                            int
}

func (m Message) All() string       { panic(errContract) } // fallback text and all words of all blocks
func (m Message) Buttons() []Button { panic(errContract) }

type Button struct {
	BlockID, ActionID, Text, Value, Style, URL string
	Confirm                                    bool // it asks "are you sure"
}

type View struct {
	ID, Type, CallbackID, Title, Hash, ExternalID, PrivateMetadata string
	SubmitText, CloseText                                          string
	Blocks                                                         json.RawMessage
}

func (v View) All() string       { panic(errContract) }
func (v View) Buttons() []Button { panic(errContract) }
func (v View) Inputs() []Input   { panic(errContract) }

type Input struct {
	BlockID, ActionID, Type, Label, Hint string
	Optional                             bool
	Initial                              any // string, []string or nil
	Options                              []Option
}

type Option struct{ Text, Value string }

type Call struct {
	Method string
	Args   map[string]string // structured ones as JSON; the token is left out
	Status int
	Error  string // "" when ok
}

func (s *Server) Messages(channel string) []Message { panic(errContract) } // ephemeral ones included
func (s *Server) View(user string) (View, bool)     { panic(errContract) }
func (s *Server) Home(user string) (View, bool)     { panic(errContract) }
func (s *Server) Calls() []Call                     { panic(errContract) }

func (s *Server) WaitMessage(channel string, match func(Message) bool) Message { panic(errContract) }
func (s *Server) WaitEphemeral(user string, match func(Message) bool) Message  { panic(errContract) }
func (s *Server) WaitView(user string, match func(View) bool) View             { panic(errContract) }
func (s *Server) WaitHome(user string, match func(View) bool) View             { panic(errContract) }
func (s *Server) WaitSockets(n int)                                            { panic(errContract) } // at least n
func (s *Server) Wait(what string, cond func() bool)                           { panic(errContract) }

// Violations of Slack's rules so far; left over ones fail the test unless expected.
func (s *Server) Violations() []string { panic(errContract) }

// ExpectViolations forgives those that contain one of the given words (none given: all).
func (s *Server) ExpectViolations(containing ...string) { panic(errContract) }

type Fault struct {
	Times      int    // 0 is 1, -1 for ever
	Status     int    // HTTP status
	RetryAfter int    // seconds
	Error      string // ok:false with this code
	Delay      time.Duration
	Drop, Hang bool // cut the connection; never answer
	AfterApply bool // first do what was asked
}

// Fail orders a fault for a Web API method, "response_url" for posts there, or "" for any.
func (s *Server) Fail(method string, f Fault)                     { panic(errContract) }
func (s *Server) ClearFaults()                                    { panic(errContract) }
func (s *Server) DisconnectSockets(reason string, warnFirst bool) { panic(errContract) } // "" reason: cut without a word
func (s *Server) DeliverTwice(on bool)                            { panic(errContract) }
func (s *Server) Sockets() int                                    { panic(errContract) }
