package slacktest

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

const (
	maxMessageBlocks = 50
	maxTextRunes     = 40_000
)

// A draft is a message that an app asks to show.
type draft struct {
	text      string
	hasText   bool
	blocks    []any
	hasBlocks bool
}

// parseDraft checks and returns the message in args. where names the call in Violations.
func (s *Server) parseDraft(where string, args map[string]string) (draft, error) {
	r := &request{args: args}
	var d draft
	d.text, d.hasText = r.arg("text")
	raw, ok := r.arg("blocks")
	if d.hasBlocks = ok && raw != ""; d.hasBlocks {
		if err := json.Unmarshal([]byte(raw), &d.blocks); err != nil {
			return d, s.recordViolation(where, newAPIError("invalid_blocks_format"))
		}
	}
	if utf8.RuneCountInString(d.text) > maxTextRunes {
		return d, s.recordViolation(where, newAPIError("msg_too_long"))
	}
	if _, ok := r.arg("attachments"); ok && args["attachments"] != "[]" {
		return d, s.recordViolation(where, newAPIError("invalid_attachments", "this fake takes blocks only"))
	}
	if len(d.blocks) == 0 {
		return d, nil
	}
	c := &checker{surface: "message"}
	if c.checkBlocks("/blocks", []any(d.blocks), maxMessageBlocks); len(c.errors) > 0 {
		return d, s.recordViolation(where, newAPIError("invalid_blocks", c.errors...))
	}
	assignIDs(d.blocks)
	return d, nil
}

// recordViolation records a violation and returns err unchanged. The caller holds the lock.
func (s *Server) recordViolation(where string, err error) error {
	s.addViolation("%s: %v", where, err)
	return err
}

// conversationFor returns the channel that the app posts to under this id, or an error if it cannot post there.
func (s *Server) conversationFor(id string) (*conversation, error) {
	if u, ok := s.users[id]; ok && id != botUser { // a post to a user goes to the direct messages
		return s.dmWith(u.ID), nil
	}
	c, ok := s.conversations[id]
	if !ok {
		return nil, newAPIError("channel_not_found")
	}
	if c.archived {
		return nil, newAPIError("is_archived")
	}
	if !c.members[botUser] && (s.options.Scopes == nil || !slices.Contains(s.options.Scopes, "chat:write.public")) {
		return nil, newAPIError("not_in_channel")
	}
	return c, nil
}

func (s *Server) postMessage(r *request) (object, error) {
	c, err := s.conversationFor(r.args["channel"])
	if err != nil {
		return nil, err
	}
	p, err := s.addMessage(r, c)
	if err != nil {
		return nil, err
	}
	return object{"channel": c.id, "ts": p.ts, "message": p.toJSON(s.options.Team)}, nil
}

// addMessage creates a message from a call and shows it in the channel.
func (s *Server) addMessage(r *request, c *conversation) (*storedMessage, error) {
	d, err := s.parseDraft(r.name, r.args)
	if err != nil {
		return nil, err
	}
	if d.text == "" && len(d.blocks) == 0 {
		return nil, s.recordViolation(r.name, newAPIError("no_text"))
	}
	thread := r.args["thread_ts"]
	if parent := s.findMessage(c.id, thread); thread != "" && (parent == nil || parent.to != "") {
		return nil, newAPIError("thread_not_found")
	}
	p := &storedMessage{channel: c.id, ts: s.nextTS(), thread: thread, text: d.text, blocks: d.blocks}
	s.messages = append(s.messages, p)
	return p, nil
}

func (s *Server) postEphemeral(r *request) (object, error) {
	c, err := s.conversationFor(r.args["channel"])
	if err != nil {
		return nil, err
	}
	if !c.members[r.args["user"]] {
		return nil, newAPIError("user_not_in_channel")
	}
	p, err := s.addMessage(r, c)
	if err != nil {
		return nil, err
	}
	p.to = r.args["user"]
	return object{"message_ts": p.ts}, nil
}

// ownMessage returns the app's message that a call names. A direct message needs its D... id. refused is the error
// code for an ephemeral message.
func (s *Server) ownMessage(r *request, refused string) (*storedMessage, error) {
	if _, ok := s.conversations[r.args["channel"]]; !ok {
		return nil, newAPIError("channel_not_found")
	}
	p := s.findMessage(r.args["channel"], r.args["ts"])
	if p == nil {
		return nil, newAPIError("message_not_found")
	}
	if p.to != "" {
		return nil, s.recordViolation(r.name+": an ephemeral message can be changed only through the response URL of an interaction with it",
			newAPIError(refused))
	}
	return p, nil
}

// updateMessage replaces text and blocks. A call with text and without blocks removes the blocks, as the method's
// page documents.
func (s *Server) updateMessage(r *request) (object, error) {
	p, err := s.ownMessage(r, "cant_update_message")
	if err != nil {
		return nil, err
	}
	d, err := s.parseDraft(r.name, r.args)
	if err != nil {
		return nil, err
	}
	text, blocks := p.text, p.blocks
	if d.hasText {
		text = d.text
	}
	if d.hasText || d.hasBlocks {
		blocks = d.blocks
	}
	if !d.hasText && !d.hasBlocks || text == "" && len(blocks) == 0 {
		return nil, s.recordViolation(r.name, newAPIError("no_text"))
	}
	p.text, p.blocks = text, blocks
	p.edits++
	return object{"channel": p.channel, "ts": p.ts, "text": p.text, "message": p.toJSON(s.options.Team)}, nil
}

func (s *Server) deleteMessage(r *request) (object, error) {
	p, err := s.ownMessage(r, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.removeMessage(p)
	return object{"channel": p.channel, "ts": p.ts}, nil
}

func (s *Server) getPermalink(r *request) (object, error) {
	c, ok := s.conversations[r.args["channel"]]
	if !ok {
		return nil, newAPIError("channel_not_found")
	}
	p := s.findMessage(c.id, r.args["message_ts"])
	if p == nil || p.to != "" {
		return nil, newAPIError("message_not_found")
	}
	link := "https://test.slack.com/archives/" + c.id + "/p" + withoutDot(p.ts)
	return object{"channel": c.id, "permalink": link}, nil
}
