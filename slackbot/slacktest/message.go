package slacktest

import (
	"encoding/json"
	"slices"
	"strings"
)

// A Message is what somebody sees in a channel.
type Message struct {
	Channel, TS string
	ThreadTS    string // of the message that this one replies to
	User        string // who wrote it: the bot
	Text        string // the fallback, which notifications show
	Blocks      json.RawMessage
	Ephemeral   bool
	To          string // of an ephemeral message: who sees it
	Edited      int    // how often it was changed
}

// All is every word of the message, the fallback text first.
func (m Message) All() string { return strings.TrimSpace(m.Text + "\n" + visibleText(m.Blocks)) }

// Buttons are the message's buttons from top to bottom.
func (m Message) Buttons() []Button { return buttonsIn(m.Blocks) }

// A Button is one that a person could click.
type Button struct {
	BlockID, ActionID, Text, Value, Style, URL string
	Confirm                                    bool // it asks "are you sure?" first
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

// stringField is a string in an object, "" if there is none.
func stringField(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

func decodeBlocks(raw json.RawMessage) []object {
	var v any
	_ = json.Unmarshal(raw, &v) // what is kept was JSON when it came
	return objectsIn(v)
}

// A post is a message as the workspace keeps it. What is in blocks never changes: an update replaces it.
type storedMessage struct {
	channel, ts, thread, text string
	blocks                    []any
	to                        string // of an ephemeral one
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

// toJSON is the message in answers and payloads.
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
		panic(err) // it came from JSON
	}
	return raw
}

// Messages lists the channel's messages, oldest first: thread replies and ephemeral ones too, no deleted ones.
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

// findMessage needs the lock.
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
