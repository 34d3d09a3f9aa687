package slackbot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/slack-go/slack"
)

// maxBody bounds the body of a request. A modal with all that Slack lets a person type stays well below it.
const maxBody = 1 << 20

// Commands serves Slack's signed requests for slash commands (/slack/command).
func (b *Bot) Commands() http.Handler {
	return b.requireSignature(func(h http.Header, body []byte) (any, error) {
		form, err := readForm(h, body)
		if err != nil {
			return nil, err
		}
		if form.Get("ssl_check") == "1" {
			return nil, nil // Slack looks whether somebody answers
		}
		cmd := slack.SlashCommand{
			TeamID: form.Get("team_id"), EnterpriseID: form.Get("enterprise_id"), ChannelID: form.Get("channel_id"),
			UserID: form.Get("user_id"), Command: form.Get("command"), Text: form.Get("text"),
			ResponseURL: form.Get("response_url"), TriggerID: form.Get("trigger_id"),
		}
		return b.handleCommand(cmd, h.Get(signatureHeader))
	})
}

// Interactions serves Slack's signed requests for buttons, modals, menus and events (/slack/interaction).
func (b *Bot) Interactions() http.Handler {
	return b.requireSignature(func(h http.Header, body []byte) (any, error) {
		if mediaType(h) == "application/json" {
			return b.handleEvent(body, h.Get(signatureHeader))
		}
		form, err := readForm(h, body)
		if err != nil {
			return nil, err
		}
		if form.Get("ssl_check") == "1" {
			return nil, nil
		}
		var in slack.InteractionCallback
		if !bytes.HasPrefix(body, []byte("payload=")) {
			return nil, errMalformed
		}
		if err := json.Unmarshal([]byte(form.Get("payload")), &in); err != nil {
			return nil, errMalformed
		}
		return b.handleInteraction(in, h.Get(signatureHeader))
	})
}

// errMalformed is all that a request is told that Slack would not send.
var errMalformed = errors.New("malformed request")

// signatureHeader is the header that names a delivery where Slack gives nothing better.
const signatureHeader = "X-Slack-Signature"

// mediaType is the media type that a request says it has, "" when it says none.
func mediaType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// readForm reads what Slack sends as a form. The signature does not cover the type, so the body itself has to look
// like one, too, and begin with the name of a field: what Slack signed as JSON for another door may have all of a
// form's fields in it, in words that anybody wrote.
func readForm(h http.Header, body []byte) (url.Values, error) {
	if mediaType(h) != "application/x-www-form-urlencoded" || len(body) == 0 || body[0] < 'a' || 'z' < body[0] {
		return nil, errMalformed
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errMalformed
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, errMalformed
		}
	}
	return form, nil
}

// requireSignature lets through what Slack signed within the last five minutes, and answers with what take returns.
// The signature is over the raw bytes, so these are parsed only when it holds, and read only when it could.
func (b *Bot) requireSignature(take func(h http.Header, body []byte) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		holds, err := newVerifier(r.Header, b.cfg.SigningSecret)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body is too large or broken off", http.StatusRequestEntityTooLarge)
			return
		}
		if err := holds(body); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		reply, err := take(r.Header, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b.writeReply(w, reply)
	})
}

func (b *Bot) writeReply(w http.ResponseWriter, reply any) {
	if reply == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	body, err := json.Marshal(reply)
	if err != nil {
		b.cfg.Log.Error("an answer to Slack cannot be written", "error", err)
		http.Error(w, "no answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(body); err != nil {
		b.cfg.Log.Warn("Slack did not wait for an answer", "error", err)
	}
}
