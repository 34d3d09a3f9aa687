package slackbot_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"scanwarden/slackbot/slacktest"
)

// emulator is a running local-slack, used through the connection that its own page in a browser uses.
type emulator struct {
	t           testing.TB
	api         string
	page        *websocket.Conn
	sockets     int                 // that were opened
	posts       []slacktest.Message // as they are now, in the order in which they were posted
	modal       json.RawMessage     // the one on top; nil when none is open
	fieldErrors map[string]string   // of the last submission
}

// send does what a user does on the page.
func (e *emulator) send(what string, with map[string]any) {
	e.t.Helper()
	with["t"] = what
	if err := e.page.WriteJSON(with); err != nil {
		e.t.Fatal(err)
	}
}

func (e *emulator) command(user, command, text string) {
	e.t.Helper()
	e.send("slash_command", map[string]any{"user": user, "channel": channel, "command": command, "text": text})
}

func (e *emulator) click(user string, m slacktest.Message, id string) {
	e.t.Helper()
	for _, b := range m.Buttons() {
		if b.ActionID == id {
			action := map[string]any{"type": "button", "action_id": id, "block_id": b.BlockID, "value": b.Value}
			e.send("block_action", map[string]any{"user": user, "channel": channel, "messageTs": m.TS, "action": action})
			return
		}
	}
	e.t.Fatalf("no button %s in %s", id, m.All())
}

// wait records what the emulator shows until cond holds.
func (e *emulator) wait(what string, cond func() bool) {
	e.t.Helper()
	_ = e.page.SetReadDeadline(time.Now().Add(time.Minute))
	for !cond() {
		var shown event
		if err := e.page.ReadJSON(&shown); err != nil {
			e.t.Fatalf("waited in vain for %s: %v; there are %+v", what, err, e.posts)
		}
		e.record(shown)
	}
}

// event is one update of the emulator's page.
type event struct {
	T         string
	Connected bool
	Stack     []json.RawMessage
	Errors    map[string]string
	Message   struct {
		Channel, TS, User, Text string
		Blocks                  json.RawMessage
		Thread                  string `json:"thread_ts"`
		To                      string `json:"ephemeral_to"`
	}
}

func (e *emulator) record(shown event) {
	switch shown.T {
	case "socket_status":
		if shown.Connected {
			e.sockets++
		}
	case "message":
		e.posts = append(e.posts, shown.message())
	case "message_update":
		for i, m := range e.posts {
			if m.TS == shown.Message.TS {
				e.posts[i] = shown.message()
			}
		}
	case "view":
		e.modal, e.fieldErrors = nil, nil
		if n := len(shown.Stack); n > 0 {
			e.modal = shown.Stack[n-1]
		}
	case "view_errors":
		e.fieldErrors = shown.Errors
	}
}

func (v event) message() slacktest.Message {
	m := v.Message
	return slacktest.Message{
		Channel: m.Channel, TS: m.TS, ThreadTS: m.Thread, User: m.User, Text: m.Text, Blocks: m.Blocks, To: m.To, Ephemeral: m.To != "",
	}
}

// waitMessage waits for a matching message in the channel.
func (e *emulator) waitMessage(what string, match func(slacktest.Message) bool) (found slacktest.Message) {
	e.t.Helper()
	e.wait(what, func() bool {
		for _, m := range e.posts {
			if m.Channel == channel && match(m) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// waitConfirmation waits for the first confirmation message.
func (e *emulator) waitConfirmation() slacktest.Message {
	e.t.Helper()
	return e.waitMessage("a confirmation message", isConfirmation)
}

func (e *emulator) countConfirmations() (n int) {
	for _, m := range e.posts {
		if isConfirmation(m) {
			n++
		}
	}
	return n
}

func isConfirmation(m slacktest.Message) bool {
	return m.To == "" && m.ThreadTS == "" && containsAll(m.All(), "Code: ")
}

// waitUpdate waits until a message contains all words.
func (e *emulator) waitUpdate(was slacktest.Message, words ...string) slacktest.Message {
	e.t.Helper()
	return e.waitMessage("the message rewritten", func(m slacktest.Message) bool { return m.TS == was.TS && containsAll(m.All(), words...) })
}

// waitModal waits until a modal with inputs is on top.
func (e *emulator) waitModal(callback string) {
	e.t.Helper()
	e.wait("the modal "+callback, func() bool {
		var view struct {
			Callback string `json:"callback_id"`
			Blocks   []struct{ Type string }
		}
		_ = json.Unmarshal(e.modal, &view) // null while there is none
		return view.Callback == callback && len(view.Blocks) > 1 && view.Blocks[len(view.Blocks)-1].Type == "input"
	})
}

func (e *emulator) submit(user string, values map[string]any) {
	e.t.Helper()
	e.send("view_submit", map[string]any{"user": user, "values": values})
}
