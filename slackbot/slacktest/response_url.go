package slacktest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	triggerLife = 3 * time.Second
	hookLife    = 30 * time.Minute
	hookUses    = 5
)

// A trigger lets the app show a modal to the person who just did something.
type trigger struct {
	user string
	root string // the view it was done in, "" outside of modals
	made time.Time
	used bool
}

// newTrigger needs the lock.
func (s *Server) newTrigger(user, view string) string {
	id := fmt.Sprintf("%d.%d.%s", s.options.Now().UnixNano(), 4711, strings.ToLower(s.id("t")))
	s.triggers[id] = &trigger{user: user, root: view, made: s.options.Now()}
	return id
}

// spend takes a trigger's one use.
func (s *Server) spend(r *request) (*trigger, error) {
	tr, ok := s.triggers[r.args["trigger_id"]]
	switch {
	case !ok:
		return nil, s.broken(r.name, refuse("invalid_trigger_id"))
	case tr.used:
		return nil, s.broken(r.name, refuse("exchanged_trigger_id"))
	case s.options.Now().Sub(tr.made) > triggerLife:
		return nil, refuse("expired_trigger_id")
	}
	tr.used = true
	return tr, nil
}

// A hook is a response URL.
type hook struct {
	user, channel string
	source        *post // of an interaction with a message
	made          time.Time
	uses          int
}

// newHook needs the lock.
func (s *Server) newHook(user, channel string, source *post) string {
	id := s.id("r")
	s.hooks[id] = &hook{user: user, channel: channel, source: source, made: s.options.Now()}
	return s.http.URL + "/response/" + id
}

func (s *Server) serveHook(w http.ResponseWriter, hr *http.Request) {
	r, err := s.read(hr, "response_url")
	if err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.answer(w, r, func() reply { return s.respond(r) })
}

// respond shows what an app posts to a response URL. The errors' statuses are the fake's own choice.
func (s *Server) respond(r *request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.hooks[r.PathValue("hook")]
	switch {
	case !ok:
		return reply{http.StatusNotFound, "no_service", "no_service"}
	case s.options.Now().Sub(h.made) > hookLife:
		return reply{http.StatusNotFound, "expired_url", object{"ok": false, "error": "expired_url"}}
	case h.uses >= hookUses:
		s.violate("response_url: used more than %d times", hookUses)
		return reply{http.StatusNotFound, "used_url", object{"ok": false, "error": "used_url"}}
	}
	h.uses++
	if err := s.show(h, "response_url", r.args); err != nil {
		code := err.(*refusal).code // show refuses with nothing else
		return reply{http.StatusBadRequest, code, code}
	}
	s.touch()
	return reply{status: http.StatusOK, body: "ok"}
}

// show puts an app's answer to something that a person did before that person, or before the whole channel.
func (s *Server) show(h *hook, where string, args map[string]string) error {
	if args["delete_original"] == "true" && h.source != nil {
		s.drop(h.source)
		return nil
	}
	d, err := s.draft(where, args)
	if err != nil {
		return err
	}
	if d.text == "" && len(d.blocks) == 0 {
		return s.broken(where, refuse("no_text"))
	}
	switch kind := cmp.Or(args["response_type"], "ephemeral"); {
	case args["replace_original"] == "true" && h.source != nil:
		h.source.text, h.source.blocks = d.text, d.blocks
		h.source.edits++
	case kind == "ephemeral", kind == "in_channel":
		p := &post{channel: h.channel, ts: s.ts(), thread: args["thread_ts"], text: d.text, blocks: d.blocks, to: h.user}
		if kind == "in_channel" {
			p.to = ""
		}
		s.messages = append(s.messages, p)
	default:
		return s.broken(where, refuse("invalid_arguments", "response_type is ephemeral or in_channel"))
	}
	return nil
}

func withoutDot(ts string) string { return strings.Replace(ts, ".", "", 1) }

// arguments are the members of a JSON object as a call's arguments.
func arguments(body []byte) (map[string]string, error) {
	r := &request{args: map[string]string{}}
	err := r.parseJSON(body)
	return r.args, err
}

// trimmed is body without white space around it, nil if nothing is left.
func trimmed(body []byte) json.RawMessage {
	if text := strings.TrimSpace(string(body)); text != "" {
		return json.RawMessage(text)
	}
	return nil
}
