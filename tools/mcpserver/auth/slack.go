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

// What Slack's requests carry (docs.slack.dev, "Verifying requests from Slack").
const (
	slackSignature = "X-Slack-Signature"
	slackTimestamp = "X-Slack-Request-Timestamp"
	// slackWindow is how long a signature is good for, from its timestamp on.
	slackWindow = 5 * time.Minute
)

// slackSessionOwner is what the initialize-era sessions of Slack's assistant are bound to: one may serve many people, for
// every call names its person and is signed by itself.
const slackSessionOwner = "slack-app"

// SlackConfig configures Slack.
type SlackConfig struct {
	// Verify returns nil for a request signature that holds.
	Verify func(h http.Header, body []byte) error
	// ResolveUser returns the principal, which is the same however Slack names the person, and the groups of a full member
	// of our own workspace, and an error for anybody else.
	ResolveUser func(ctx context.Context, team, user string) (confirm.Principal, []string, error)
}

// SlackAssistant admits Slack's own assistant with Slack identity auth (docs.slack.dev/ai/slackbot-mcp-client): requests signed
// by Slack, whose params._meta.slack names the person of a tools/call by user_id and team_id. All else that it sends
// (initialize, notifications/initialized, ping, tools/list) is signed and names nobody: that Caller has no principal.
// A call is the assistant's, made in the person's name, so its Caller is an Agent.
func SlackAssistant(cfg SlackConfig) Authenticator { return &slackAssistant{SlackConfig: cfg} }

type slackAssistant struct {
	SlackConfig
	replays replayCache
}

// Authenticate implements Keeper.
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
	if err != nil || version != "2.0" || method == "" { // what Slack signs for its own doors is no such message
		return Caller{}, &Error{Status: http.StatusBadRequest, Reason: "send one JSON-RPC request, with every field once"}
	}
	if method != "tools/call" {
		return Caller{Session: slackSessionOwner}, nil
	}
	return s.authenticateCall(r, body, message["params"])
}

// authenticateCall names the person of a tools/call, once for each signature.
func (s *slackAssistant) authenticateCall(r *http.Request, body []byte, params json.RawMessage) (Caller, error) {
	who, ok := parseSlackUser(params)
	if !ok {
		return Caller{}, &Error{
			Status: http.StatusForbidden,
			Reason: "Slack does not say in params._meta.slack which person of which workspace calls; ask for the change with the slash commands instead",
		}
	}
	if authErr := s.checkReplay(r.Header, body); authErr != nil {
		return Caller{}, authErr
	}
	principal, groups, err := s.ResolveUser(r.Context(), who.team, who.user)
	if err != nil {
		return Caller{}, &Error{
			Status: http.StatusForbidden, Cause: err,
			Reason: "only full members of this server's own Slack workspace may call, and Slack does not say that this person is one",
		}
	}
	return Caller{Principal: principal, Groups: groups, Agent: true, Session: slackSessionOwner}, nil
}

// checkReplay refuses a request that came before. It goes by what is signed and not by the signature, which can be
// written in more than one way.
func (s *slackAssistant) checkReplay(h http.Header, body []byte) *Error {
	stamp := h.Get(slackTimestamp)
	signed, ok := parseTimestamp(stamp)
	if !ok {
		return &Error{Status: http.StatusUnauthorized, Reason: "the request has no timestamp"}
	}
	digest := sha256.Sum256(append([]byte(stamp+":"), body...))
	switch s.replays.add(digest, signed.Add(slackWindow)) {
	case replaySeen:
		return &Error{Status: http.StatusForbidden, Reason: "this very request came before, and is answered once; sign a new one"}
	case replayCacheFull:
		return &Error{Status: http.StatusServiceUnavailable, Reason: "too many calls came from Slack within minutes; try again in a few"}
	}
	return nil
}

// parseTimestamp is the time of a timestamp; false for none, and for one that no signature of now has.
func parseTimestamp(stamp string) (at time.Time, ok bool) {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	at = time.Unix(seconds, 0)
	return at, err == nil && time.Since(at).Abs() <= slackWindow
}

// hasFreshSignature reports whether a request carries what could be one signature of Slack's, made lately. Two could be
// read as either. It is asked before a stranger's body is read.
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

// slackUser is who Slack says is at the other end of its assistant.
type slackUser struct{ team, user string }

// parseSlackUser reads params._meta.slack. The workspace may be null on Enterprise Grid; nobody is then known.
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
	var who slackUser
	var enterprise *string
	for name, into := range map[string]any{"team_id": &who.team, "user_id": &who.user, "enterprise_id": &enterprise} {
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, into) != nil {
			return slackUser{}, false
		}
	}
	known := isSlackID(who.team, "TE") && isSlackID(who.user, "UW") && (enterprise == nil || isSlackID(*enterprise, "E"))
	return who, known
}

// isSlackID reports whether id has the form of Slack's: a letter of kinds first, then capitals and digits.
func isSlackID(id, kinds string) bool {
	if len(id) < 2 || len(id) > 20 || !strings.Contains(kinds, id[:1]) {
		return false
	}
	return strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
