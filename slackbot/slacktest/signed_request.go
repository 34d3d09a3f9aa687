package slacktest

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A RawRequest is one HTTP request to the app. An empty field means the value that Slack would send.
type RawRequest struct {
	URL         string
	Body        string
	ContentType string    // not covered by the signature
	Timestamp   time.Time // zero means now, by the real clock
	Secret      string    // signing key; "" means Options.SigningSecret
	Signature   string    // sent unchanged; "" means the correct one
	Unsigned    bool      // without signature and timestamp
}

// SendRaw sends r to the app. The answer has no effect in the workspace and is never a violation.
func (s *Server) SendRaw(r RawRequest) *Ack {
	a := &Ack{Sent: r, delivery: delivery{what: "send a request", lenient: true}}
	s.sendSigned(a)
	return a
}

// Replay sends the same bytes again, including the signature or envelope id. The answer takes effect as the first
// one did, but is never a violation.
func (s *Server) Replay(first *Ack) *Ack {
	a := &Ack{Sent: first.Sent, envelope: first.envelope, delivery: first.delivery,
		TriggerID: first.TriggerID, ResponseURL: first.ResponseURL}
	a.delivery.lenient = true
	if a.envelope != nil {
		s.sendOverSocket(a)
	} else {
		s.sendSigned(a)
	}
	return s.applyAck(a)
}

// sendOverHTTP sends a's delivery to the app's URL for its kind.
func (s *Server) sendOverHTTP(a *Ack) {
	s.mu.Lock()
	to := map[string]string{"slash_commands": s.options.CommandURL, "interactive": s.options.InteractionURL,
		"events_api": s.options.EventURL}[a.delivery.kind]
	s.mu.Unlock()
	if to == "" {
		a.Err = fmt.Errorf("slacktest: the app has no URL for %s: see SetURLs", a.delivery.kind)
		return
	}
	a.Sent = RawRequest{URL: to, Body: a.delivery.encodeBody(), Timestamp: time.Now()}
	a.Sent.Signature = s.sign(a.Sent)
	s.sendSigned(a)
}

// encodeBody returns a form for commands and interactions, and JSON for events.
func (d delivery) encodeBody() string {
	switch d.kind {
	case "slash_commands":
		form := url.Values{}
		for name, v := range d.payload {
			form.Set(name, v.(string)) // all its fields are strings
		}
		return form.Encode()
	case "interactive":
		return url.Values{"payload": {string(mustEncode(d.payload))}}.Encode()
	}
	return string(mustEncode(d.payload))
}

func (s *Server) sign(r RawRequest) string {
	mac := hmac.New(sha256.New, []byte(cmp.Or(r.Secret, s.options.SigningSecret)))
	fmt.Fprintf(mac, "v0:%d:%s", r.Timestamp.Unix(), r.Body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// sendSigned sends a.Sent and waits for the answer, at most Options.AckWithin.
func (s *Server) sendSigned(a *Ack) {
	ctx, cancel := context.WithTimeout(context.Background(), s.options.AckWithin)
	defer cancel()
	r, err := s.newSignedRequest(ctx, a.Sent)
	if err != nil {
		a.Err = fmt.Errorf("slacktest: %w", err)
		return
	}
	start := time.Now()
	response, err := s.client.Do(r)
	if err != nil {
		a.Err = fmt.Errorf("%w within %v: %v", ErrNoResponse, s.options.AckWithin, err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	a.Elapsed = time.Since(start)
	if err != nil {
		a.Err = fmt.Errorf("%w within %v: %v", ErrNoResponse, s.options.AckWithin, err)
		return
	}
	a.Status, a.Body = response.StatusCode, trimBody(body)
	if a.Body != nil && !json.Valid(a.Body) {
		a.Body = mustEncode(string(a.Body))
	}
}

func (s *Server) newSignedRequest(ctx context.Context, raw RawRequest) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, raw.URL, strings.NewReader(raw.Body))
	if err != nil {
		return nil, err
	}
	kind := "application/x-www-form-urlencoded"
	if strings.HasPrefix(raw.Body, "{") {
		kind = "application/json"
	}
	r.Header.Set("Content-Type", cmp.Or(raw.ContentType, kind))
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	if raw.Unsigned {
		return r, nil
	}
	if raw.Timestamp.IsZero() {
		raw.Timestamp = time.Now()
	}
	r.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(raw.Timestamp.Unix(), 10))
	r.Header.Set("X-Slack-Signature", cmp.Or(raw.Signature, s.sign(raw)))
	return r, nil
}
