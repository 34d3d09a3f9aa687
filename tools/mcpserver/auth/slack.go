package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"scanwarden/confirm"
)

// Headers of Slack's requests (docs.slack.dev, "Verifying requests from Slack").
const (
	slackSignature = "X-Slack-Signature"
	slackTimestamp = "X-Slack-Request-Timestamp"
	// slackWindow is the lifetime of a signature from its timestamp on.
	slackWindow = 5 * time.Minute
)

// slackSessionOwner owns the initialize-era sessions of Slack's assistant. Many users can share a session, because
// each call names its user and has its own signature.
const slackSessionOwner = "slack-app"

// SlackConfig configures Slack.
type SlackConfig struct {
	// Verify returns nil for a request with a valid signature.
	Verify func(h http.Header, body []byte) error
	// ResolveUser returns the principal and the groups of a full member of our own workspace, and an error for
	// any other user. The principal is the same for all names that Slack uses for the user.
	ResolveUser func(ctx context.Context, team, user string) (confirm.Principal, []string, error)
}

// SlackAssistant returns an Authenticator for Slack's own assistant with Slack identity auth
// (docs.slack.dev/ai/slackbot-mcp-client): requests signed by Slack, in which params._meta.slack names the user of
// a tools/call by user_id and team_id. All other requests (initialize, notifications/initialized, ping, tools/list)
// are signed and name no user: their Caller has no principal. The assistant makes a call in the user's name, so the
// Caller of a call is an Agent.
func SlackAssistant(cfg SlackConfig) Authenticator { return &slackAssistant{SlackConfig: cfg} }

type slackAssistant struct {
	SlackConfig
	replays replayCache
}

// Authenticate implements Authenticator.
func (s *slackAssistant) Authenticate(r *http.Request, body []byte) (Caller, error) {
	if !hasFreshSignature(r.Header) || s.Verify(r.Header, body) != nil {
		return Caller{}, &Error{
			Status: http.StatusUnauthorized,
			Reason: "the request is not signed by Slack for this app, or was signed more than five minutes ago; check the app's signing secret and this server's clock",
		}
	}
	message, err := strictObject(body)
	var version, method string
	if err == nil {
		err = errors.Join(json.Unmarshal(message["jsonrpc"], &version), json.Unmarshal(message["method"], &method))
	}
	if err != nil || version != "2.0" || method == "" { // Slack also signs commands, clicks and events, which are no JSON-RPC
		return Caller{}, &Error{Status: http.StatusBadRequest, Reason: "send one JSON-RPC request in which no field is repeated"}
	}
	if method != "tools/call" {
		return Caller{Session: slackSessionOwner}, nil
	}
	return s.authenticateCall(r, body, message["params"])
}

func (s *slackAssistant) NeedsBody(r *http.Request) bool { return hasFreshSignature(r.Header) }

// authenticateCall returns the user of a tools/call. It accepts each signed request once.
func (s *slackAssistant) authenticateCall(r *http.Request, body []byte, params json.RawMessage) (Caller, error) {
	user, ok := parseSlackUser(params)
	if !ok {
		return Caller{}, &Error{
			Status: http.StatusForbidden,
			Reason: "params._meta.slack does not name the user and the workspace of the call; use the slash commands instead",
		}
	}
	if authErr := s.checkReplay(r.Header, body); authErr != nil {
		return Caller{}, authErr
	}
	principal, groups, err := s.ResolveUser(r.Context(), user.team, user.id)
	if err != nil {
		return Caller{}, &Error{
			Status: http.StatusForbidden, Cause: err,
			Reason: "only full members of this server's own Slack workspace may call, and Slack did not confirm that this user is one",
		}
	}
	return Caller{Principal: principal, Groups: groups, Agent: true, Session: slackSessionOwner}, nil
}

// checkReplay returns an error for a request that was received before. It compares what is signed and not the
// signature, which has more than one spelling.
func (s *slackAssistant) checkReplay(h http.Header, body []byte) *Error {
	stamp := h.Get(slackTimestamp)
	signed, ok := parseTimestamp(stamp)
	if !ok {
		return &Error{Status: http.StatusUnauthorized, Reason: "the request has no timestamp"}
	}
	digest := sha256.Sum256(append([]byte(stamp+":"), body...))
	switch s.replays.add(digest, signed.Add(slackWindow)) {
	case replaySeen:
		return &Error{Status: http.StatusForbidden, Reason: "this request came before, and each request is accepted once; sign a new one"}
	case replayCacheFull:
		return &Error{Status: http.StatusServiceUnavailable, Reason: "too many calls came from Slack within minutes; try again in five minutes"}
	}
	return nil
}

// parseTimestamp returns the time in a timestamp header. It returns false for an invalid timestamp, or one that no
// valid signature has now.
func parseTimestamp(stamp string) (at time.Time, ok bool) {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	at = time.Unix(seconds, 0)
	return at, err == nil && time.Since(at).Abs() <= slackWindow
}

// hasFreshSignature reports whether a request has exactly one possible, recent Slack signature. It refuses two,
// because another parser could read either. It is called before the body of an unauthenticated request is read.
func hasFreshSignature(h http.Header) bool {
	signatures, stamps := h.Values(slackSignature), h.Values(slackTimestamp)
	if len(signatures) != 1 || len(stamps) != 1 {
		return false
	}
	mac, found := strings.CutPrefix(signatures[0], "v0=")
	_, err := hex.DecodeString(mac)
	_, lately := parseTimestamp(stamps[0])
	return found && lately && err == nil && len(mac) == 2*sha256.Size
}

// slackUser is the user that Slack names in a call of its assistant.
type slackUser struct{ team, id string }

// parseSlackUser reads params._meta.slack. On Enterprise Grid the workspace may be null; the user is then unknown.
func parseSlackUser(params json.RawMessage) (slackUser, bool) {
	for _, name := range []string{"_meta", "slack"} {
		fields, err := strictObject(params)
		if err != nil {
			return slackUser{}, false
		}
		params = fields[name]
	}
	fields, err := strictObject(params)
	if err != nil {
		return slackUser{}, false
	}
	var user slackUser
	var enterprise *string
	for name, into := range map[string]any{"team_id": &user.team, "user_id": &user.id, "enterprise_id": &enterprise} {
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, into) != nil {
			return slackUser{}, false
		}
	}
	known := isSlackID(user.team, "TE") && isSlackID(user.id, "UW") && (enterprise == nil || isSlackID(*enterprise, "E"))
	return user, known
}

// isSlackID reports whether id has the form of a Slack id: one of the letters in kinds, then capitals and digits.
func isSlackID(id, kinds string) bool {
	if len(id) < 2 || len(id) > 20 || !strings.Contains(kinds, id[:1]) {
		return false
	}
	return strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
