package slackbot

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/slack-go/slack"
)

// largest bounds the body of a request. A modal with all that Slack lets a person type stays well below it.
const largest = 1 << 20

// Commands serves Slack's signed requests for slash commands (/slack/command).
func (b *Bot) Commands() http.Handler {
	return b.signed(func(body []byte, signature string) (any, error) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errMalformed
		}
		if form.Get("ssl_check") == "1" {
			return nil, nil // Slack looks whether somebody answers
		}
		cmd := slack.SlashCommand{
			TeamID: form.Get("team_id"), EnterpriseID: form.Get("enterprise_id"), ChannelID: form.Get("channel_id"),
			UserID: form.Get("user_id"), Command: form.Get("command"), Text: form.Get("text"),
			ResponseURL: form.Get("response_url"), TriggerID: form.Get("trigger_id"),
		}
		return b.command(cmd, signature)
	})
}

// Interactions serves Slack's signed requests for buttons, modals, menus and events (/slack/interaction).
func (b *Bot) Interactions() http.Handler {
	return b.signed(func(body []byte, signature string) (any, error) {
		if trimmed := strings.TrimSpace(string(body)); strings.HasPrefix(trimmed, "{") {
			return b.event(body, signature)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errMalformed
		}
		if form.Get("ssl_check") == "1" {
			return nil, nil
		}
		var in slack.InteractionCallback
		if err := json.Unmarshal([]byte(form.Get("payload")), &in); err != nil {
			return nil, errMalformed
		}
		return b.interaction(in, signature)
	})
}

// errMalformed is all that a request is told that Slack would not send.
var errMalformed = errors.New("malformed request")

// signed lets through what Slack signed within the last five minutes, and answers with what take returns.
// The signature is over the raw bytes, so these are read first and parsed only when it holds.
func (b *Bot) signed(take func(body []byte, signature string) (any, error)) http.Handler {
	verify := Verify(b.cfg.SigningSecret)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
		if err != nil {
			http.Error(w, "the body is too large or broken off", http.StatusRequestEntityTooLarge)
			return
		}
		if err := verify(r.Header, body); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		reply, err := take(body, r.Header.Get("X-Slack-Signature"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		b.reply(w, reply)
	})
}

func (b *Bot) reply(w http.ResponseWriter, reply any) {
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
