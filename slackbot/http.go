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

// maxBody bounds the body of a request. A modal with all the text that Slack allows is far smaller.
const maxBody = 1 << 20

// Commands returns the handler for slash commands (/slack/command). It accepts only requests that Slack has signed.
func (b *Bot) Commands() http.Handler {
	return b.requireSignature(func(h http.Header, body []byte) (any, error) {
		values, err := readForm(h, body)
		if err != nil {
			return nil, err
		}
		if values.Get("ssl_check") == "1" {
			return nil, nil // Slack checks that the endpoint answers
		}
		cmd := slack.SlashCommand{
			TeamID: values.Get("team_id"), EnterpriseID: values.Get("enterprise_id"), ChannelID: values.Get("channel_id"),
			UserID: values.Get("user_id"), Command: values.Get("command"), Text: values.Get("text"),
			ResponseURL: values.Get("response_url"), TriggerID: values.Get("trigger_id"),
		}
		return b.handleCommand(cmd, h.Get(signatureHeader))
	})
}

// Interactions returns the handler for buttons, modals, menus and events (/slack/interaction). It accepts only
// requests that Slack has signed.
func (b *Bot) Interactions() http.Handler {
	return b.requireSignature(func(h http.Header, body []byte) (any, error) {
		if mediaType(h) == "application/json" {
			return b.handleEvent(body, h.Get(signatureHeader))
		}
		values, err := readForm(h, body)
		if err != nil {
			return nil, err
		}
		if values.Get("ssl_check") == "1" {
			return nil, nil
		}
		var in slack.InteractionCallback
		if !bytes.HasPrefix(body, []byte("payload=")) {
			return nil, errMalformed
		}
		if err := json.Unmarshal([]byte(values.Get("payload")), &in); err != nil {
			return nil, errMalformed
		}
		return b.handleInteraction(in, h.Get(signatureHeader))
	})
}

// errMalformed answers a signed request that Slack would not send to this endpoint. It reveals no more.
var errMalformed = errors.New("malformed request")

// signatureHeader identifies a delivery that has no ID of its own.
const signatureHeader = "X-Slack-Signature"

// mediaType returns the media type of a request, and "" if it has none.
func mediaType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// readForm parses a form body. The signature does not cover the content type, so the body itself must begin like a
// form, with the name of a field. Otherwise JSON that Slack signed for another endpoint could carry form fields in
// text that a user wrote.
func readForm(h http.Header, body []byte) (url.Values, error) {
	if mediaType(h) != "application/x-www-form-urlencoded" || len(body) == 0 || body[0] < 'a' || 'z' < body[0] {
		return nil, errMalformed
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errMalformed
	}
	for _, all := range values {
		if len(all) > 1 {
			return nil, errMalformed
		}
	}
	return values, nil
}

// requireSignature returns a handler that calls take for requests that Slack signed within the last five minutes, and
// answers with its result. The signature covers the raw bytes, so the body is read only if the headers can be valid,
// and parsed only after the signature is verified.
func (b *Bot) requireSignature(take func(h http.Header, body []byte) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		verify, err := newVerifier(r.Header, b.cfg.SigningSecret)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body is too large or broken off", http.StatusRequestEntityTooLarge)
			return
		}
		if err := verify(body); err != nil {
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

// writeReply writes reply as JSON. A nil reply is an empty answer.
func (b *Bot) writeReply(w http.ResponseWriter, reply any) {
	if reply == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	body, err := json.Marshal(reply)
	if err != nil {
		b.cfg.Log.Error("failed to encode an answer to Slack", "error", err)
		http.Error(w, "no answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(body); err != nil {
		b.cfg.Log.Warn("failed to write an answer to Slack", "error", err)
	}
}
