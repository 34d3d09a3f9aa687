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
	triggerLifetime     = 3 * time.Second
	responseURLLifetime = 30 * time.Minute
	responseURLMaxUses  = 5
)

// A trigger lets the app open a modal for the user whose action created it.
type trigger struct {
	user string
	root string // root of the view that the action came from, "" outside of modals
	made time.Time
	used bool
}

// newTrigger returns the id of a new trigger. The caller holds the lock.
func (s *Server) newTrigger(user, view string) string {
	id := fmt.Sprintf("%d.%d.%s", s.options.Now().UnixNano(), 4711, strings.ToLower(s.nextID("t")))
	s.triggers[id] = &trigger{user: user, root: view, made: s.options.Now()}
	return id
}

// useTrigger returns the trigger of a call and marks it as used, or returns an error if it is unknown, used or
// expired.
func (s *Server) useTrigger(r *request) (*trigger, error) {
	tr, ok := s.triggers[r.args["trigger_id"]]
	switch {
	case !ok:
		return nil, s.recordViolation(r.name, newAPIError("invalid_trigger_id"))
	case tr.used:
		return nil, s.recordViolation(r.name, newAPIError("exchanged_trigger_id"))
	case s.options.Now().Sub(tr.made) > triggerLifetime:
		return nil, newAPIError("expired_trigger_id")
	}
	tr.used = true
	return tr, nil
}

// A responseURL is an address at which the app can answer an action.
type responseURL struct {
	user, channel string
	source        *storedMessage // the message that the user clicked; nil for a command
	made          time.Time
	uses          int
}

// newResponseURL returns a new response URL. The caller holds the lock.
func (s *Server) newResponseURL(user, channel string, source *storedMessage) string {
	id := s.nextID("r")
	s.responseURLs[id] = &responseURL{user: user, channel: channel, source: source, made: s.options.Now()}
	return s.http.URL + "/response/" + id
}

func (s *Server) serveResponseURL(w http.ResponseWriter, hr *http.Request) {
	r, err := s.readRequest(hr, "response_url")
	if err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.answerCall(w, r, func() reply { return s.handleResponse(r) })
}

// handleResponse shows what an app posts to a response URL. Slack does not document the status codes of its errors;
// these are the fake's own.
func (s *Server) handleResponse(r *request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.responseURLs[r.PathValue("hook")]
	switch {
	case !ok:
		return reply{http.StatusNotFound, "no_service", "no_service"}
	case s.options.Now().Sub(h.made) > responseURLLifetime:
		return reply{http.StatusNotFound, "expired_url", object{"ok": false, "error": "expired_url"}}
	case h.uses >= responseURLMaxUses:
		s.addViolation("response_url: used more than %d times", responseURLMaxUses)
		return reply{http.StatusNotFound, "used_url", object{"ok": false, "error": "used_url"}}
	}
	h.uses++
	if err := s.showAnswer(h, "response_url", r.args); err != nil {
		code := err.(*apiError).code // showAnswer returns no other error
		return reply{http.StatusBadRequest, code, code}
	}
	s.notifyWaiters()
	return reply{status: http.StatusOK, body: "ok"}
}

// showAnswer shows an app's answer to an action, either to the user alone or to the channel.
func (s *Server) showAnswer(h *responseURL, where string, args map[string]string) error {
	if args["delete_original"] == "true" && h.source != nil {
		s.removeMessage(h.source)
		return nil
	}
	d, err := s.parseDraft(where, args)
	if err != nil {
		return err
	}
	if d.text == "" && len(d.blocks) == 0 {
		return s.recordViolation(where, newAPIError("no_text"))
	}
	switch kind := cmp.Or(args["response_type"], "ephemeral"); {
	case args["replace_original"] == "true" && h.source != nil:
		h.source.text, h.source.blocks = d.text, d.blocks
		h.source.edits++
	case kind == "ephemeral", kind == "in_channel":
		p := &storedMessage{channel: h.channel, ts: s.nextTS(), thread: args["thread_ts"], text: d.text, blocks: d.blocks, to: h.user}
		if kind == "in_channel" {
			p.to = ""
		}
		s.messages = append(s.messages, p)
	default:
		return s.recordViolation(where, newAPIError("invalid_arguments", "response_type is ephemeral or in_channel"))
	}
	return nil
}

func withoutDot(ts string) string { return strings.Replace(ts, ".", "", 1) }

// parseArguments returns the fields of a JSON object as arguments of a call.
func parseArguments(body []byte) (map[string]string, error) {
	r := &request{args: map[string]string{}}
	err := r.parseJSON(body)
	return r.args, err
}

// trimBody returns body without surrounding white space, or nil if it is empty.
func trimBody(body []byte) json.RawMessage {
	if text := strings.TrimSpace(string(body)); text != "" {
		return json.RawMessage(text)
	}
	return nil
}
