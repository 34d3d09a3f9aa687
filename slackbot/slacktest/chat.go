package slacktest

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

const (
	maxMessageBlocks = 50
	maxText          = 40_000
)

// A draft is a message that an app wants to be shown.
type draft struct {
	text      string
	hasText   bool
	blocks    []any
	hasBlocks bool
}

// draft checks what an app wants shown. where names the call in Violations.
func (s *Server) draft(where string, args map[string]string) (draft, error) {
	r := &request{args: args}
	var d draft
	d.text, d.hasText = r.arg("text")
	raw, ok := r.arg("blocks")
	if d.hasBlocks = ok && raw != ""; d.hasBlocks {
		if err := json.Unmarshal([]byte(raw), &d.blocks); err != nil {
			return d, s.broken(where, refuse("invalid_blocks_format"))
		}
	}
	if utf8.RuneCountInString(d.text) > maxText {
		return d, s.broken(where, refuse("msg_too_long"))
	}
	if _, ok := r.arg("attachments"); ok && args["attachments"] != "[]" {
		return d, s.broken(where, refuse("invalid_attachments", "this fake takes blocks only"))
	}
	if len(d.blocks) == 0 {
		return d, nil
	}
	c := &checker{surface: "message"}
	if c.allBlocks("/blocks", []any(d.blocks), maxMessageBlocks); len(c.wrong) > 0 {
		return d, s.broken(where, refuse("invalid_blocks", c.wrong...))
	}
	label(d.blocks)
	return d, nil
}

// broken keeps a broken rule and passes its refusal on. It needs the lock.
func (s *Server) broken(where string, err error) error {
	s.violate("%s: %v", where, err)
	return err
}

// place is the channel that an app may post to under this id.
func (s *Server) place(id string) (*channel, error) {
	if u, ok := s.users[id]; ok && id != botUser { // posting to a user is posting to the direct messages
		return s.dm(u.ID), nil
	}
	c, ok := s.channels[id]
	if !ok {
		return nil, refuse("channel_not_found")
	}
	if !c.members[botUser] && (s.options.Scopes == nil || !slices.Contains(s.options.Scopes, "chat:write.public")) {
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

func (s *Server) postMessage(r *request) (object, error) {
	c, err := s.place(r.args["channel"])
	if err != nil {
		return nil, err
	}
	p, err := s.compose(r, c)
	if err != nil {
		return nil, err
	}
	return object{"channel": c.id, "ts": p.ts, "message": p.object(s.options.Team)}, nil
}

// compose makes a message of a call and shows it in the channel.
func (s *Server) compose(r *request, c *channel) (*post, error) {
	d, err := s.draft(r.name, r.args)
	if err != nil {
		return nil, err
	}
	if d.text == "" && len(d.blocks) == 0 {
		return nil, s.broken(r.name, refuse("no_text"))
	}
	thread := r.args["thread_ts"]
	if parent := s.find(c.id, thread); thread != "" && (parent == nil || parent.to != "") {
		return nil, refuse("thread_not_found")
	}
	p := &post{channel: c.id, ts: s.ts(), thread: thread, text: d.text, blocks: d.blocks}
	s.messages = append(s.messages, p)
	return p, nil
}

func (s *Server) postEphemeral(r *request) (object, error) {
	c, err := s.place(r.args["channel"])
	if err != nil {
		return nil, err
	}
	if !c.members[r.args["user"]] {
		return nil, refuse("user_not_in_channel")
	}
	p, err := s.compose(r, c)
	if err != nil {
		return nil, err
	}
	p.to = r.args["user"]
	return object{"message_ts": p.ts}, nil
}

// own is the message of the app that a call means. A direct message needs its D... id.
func (s *Server) own(r *request, refused string) (*post, error) {
	if _, ok := s.channels[r.args["channel"]]; !ok {
		return nil, refuse("channel_not_found")
	}
	p := s.find(r.args["channel"], r.args["ts"])
	if p == nil {
		return nil, refuse("message_not_found")
	}
	if p.to != "" {
		return nil, s.broken(r.name+": an ephemeral message is out of reach, but for the response URL of an interaction with it",
			refuse(refused))
	}
	return p, nil
}

// updateMessage: with text and without blocks the blocks go, as the method's page says.
func (s *Server) updateMessage(r *request) (object, error) {
	p, err := s.own(r, "cant_update_message")
	if err != nil {
		return nil, err
	}
	d, err := s.draft(r.name, r.args)
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
		return nil, s.broken(r.name, refuse("no_text"))
	}
	p.text, p.blocks = text, blocks
	p.edits++
	return object{"channel": p.channel, "ts": p.ts, "text": p.text, "message": p.object(s.options.Team)}, nil
}

func (s *Server) deleteMessage(r *request) (object, error) {
	p, err := s.own(r, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.drop(p)
	return object{"channel": p.channel, "ts": p.ts}, nil
}

func (s *Server) permalink(r *request) (object, error) {
	c, ok := s.channels[r.args["channel"]]
	if !ok {
		return nil, refuse("channel_not_found")
	}
	p := s.find(c.id, r.args["message_ts"])
	if p == nil || p.to != "" {
		return nil, refuse("message_not_found")
	}
	link := "https://test.slack.com/archives/" + c.id + "/p" + withoutDot(p.ts)
	return object{"channel": c.id, "permalink": link}, nil
}
