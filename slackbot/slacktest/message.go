package slacktest

import (
	"encoding/json"
	"slices"
	"strings"
)

// A Message is a message as a user sees it in a channel.
type Message struct {
	Channel, TS string
	ThreadTS    string // timestamp of the parent message; "" for none
	User        string // author: the bot
	Text        string // fallback text, which notifications show
	Blocks      json.RawMessage
	Ephemeral   bool
	To          string // the only user who can see an ephemeral message
	Edited      int    // number of updates
}

// All returns all visible text of the message, the fallback text first.
func (m Message) All() string { return strings.TrimSpace(m.Text + "\n" + visibleText(m.Blocks)) }

// Buttons returns the message's buttons from top to bottom.
func (m Message) Buttons() []Button { return buttonsIn(m.Blocks) }

// A Button is a button that a user can click.
type Button struct {
	BlockID, ActionID, Text, Value, Style, URL string
	Confirm                                    bool // it opens a confirmation dialog first
}

func buttonsIn(blocks json.RawMessage) []Button {
	var found []Button
	for _, b := range decodeBlocks(blocks) {
		for _, e := range elementsOf(b) {
			if e["type"] == "button" {
				found = append(found, newButton(b, e))
			}
		}
	}
	return found
}

func newButton(block, e object) Button {
	label, _ := e["text"].(object)
	_, asks := e["confirm"]
	return Button{
		BlockID: stringField(block, "block_id"), ActionID: stringField(e, "action_id"), Text: stringField(label, "text"),
		Value: stringField(e, "value"), Style: stringField(e, "style"), URL: stringField(e, "url"), Confirm: asks,
	}
}

// stringField returns the string in a field of o, and "" if there is none.
func stringField(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

func decodeBlocks(raw json.RawMessage) []object {
	var v any
	_ = json.Unmarshal(raw, &v) // it was valid JSON when it was received
	return objectsIn(v)
}

// A storedMessage is a message as the workspace stores it. The blocks are never changed in place: an update
// replaces them.
type storedMessage struct {
	channel, ts, thread, text string
	blocks                    []any
	to                        string // recipient of an ephemeral message
	edits                     int
}

func (p *storedMessage) toMessage() Message {
	m := Message{Channel: p.channel, TS: p.ts, ThreadTS: p.thread, User: botUser, Text: p.text,
		Ephemeral: p.to != "", To: p.to, Edited: p.edits}
	if p.blocks != nil {
		m.Blocks = mustEncode(p.blocks)
	}
	return m
}

// toJSON returns the message as it appears in answers and payloads.
func (p *storedMessage) toJSON(team string) object {
	o := object{"type": "message", "user": botUser, "bot_id": botID, "app_id": appID, "team": team, "ts": p.ts, "text": p.text}
	if p.blocks != nil {
		o["blocks"] = p.blocks
	}
	if p.thread != "" {
		o["thread_ts"] = p.thread
	}
	if p.edits > 0 {
		o["edited"] = object{"user": botID, "ts": p.ts}
	}
	return o
}

func mustEncode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // all values come from JSON
	}
	return raw
}

// Messages returns the channel's messages, oldest first, including thread replies and ephemeral messages, without
// deleted ones.
func (s *Server) Messages(channel string) []Message {
	return slices.DeleteFunc(s.allMessages(), func(m Message) bool { return m.Channel != channel })
}

func (s *Server) allMessages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Message, len(s.messages))
	for i, p := range s.messages {
		all[i] = p.toMessage()
	}
	return all
}

// findMessage returns the message with this timestamp, or nil. The caller holds the lock.
func (s *Server) findMessage(channel, ts string) *storedMessage {
	for _, p := range s.messages {
		if p.channel == channel && p.ts == ts {
			return p
		}
	}
	return nil
}

func (s *Server) removeMessage(gone *storedMessage) {
	s.messages = slices.DeleteFunc(s.messages, func(p *storedMessage) bool { return p == gone })
}
