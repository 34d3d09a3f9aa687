package slackbot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// caller is the user of a signed request. None of it was typed by a user or stored in a message. Slack also names
// users of other workspaces: only a caller that member returned has a principal.
type caller struct{ team, user string }

// principal returns the principal of a verified caller.
func (c caller) principal() confirm.Principal {
	return confirm.Principal("slack:" + c.team + "/" + c.user)
}

// slackUserIDs returns the user IDs of a person's Slack accounts.
func slackUserIDs(p confirm.Person) (users []string) {
	for _, principal := range p.Principals {
		if user, ok := blocks.UserID(string(principal)); ok {
			users = append(users, user)
		}
	}
	return users
}

func newUserDirectory(api *slack.Client, cfg Config) *userDirectory {
	d := &userDirectory{
		api: api, now: cfg.Now,
		users: newCache[cached[*slack.User]](userCacheSize), members: newCache[cached[[]string]](userCacheSize),
	}
	for _, listed := range slices.Concat(cfg.Approvers, cfg.Requesters) {
		if group, ok := strings.CutPrefix(listed, groupPrefix); ok && !slices.Contains(d.groups, group) {
			d.groups = append(d.groups, group)
		}
	}
	return d
}

// groupPrefix begins a user group in the policy.
const groupPrefix = "slack-group:"

// notAllowedError explains why an account may not use scanwarden at all.
type notAllowedError string

func (e notAllowedError) Error() string { return string(e) }

// member returns the caller if it is a full member of our workspace, and otherwise an error that explains the
// refusal. It fails closed when Slack does not answer. On Enterprise Grid, Slack names a user by the workspace or by
// the organization; the caller that is returned has the workspace, so that one user has one principal.
func (r userReader) member(ctx context.Context, c caller) (caller, error) {
	home, err := r.workspace(ctx)
	if err != nil {
		return caller{}, &userError{withAdvice("slack did not say which workspace this is, so no user can be verified", err), err}
	}
	if c.team != home.TeamID && (home.EnterpriseID == "" || c.team != home.EnterpriseID) {
		return caller{}, errOtherWorkspace
	}
	u, err := r.userInfo(ctx, c.user)
	if err != nil {
		return caller{}, &userError{withAdvice("slack did not say who you are, so you cannot use scanwarden now", err), err}
	}
	if err := checkMember(u, home); err != nil {
		return caller{}, err
	}
	return caller{team: home.TeamID, user: c.user}, nil
}

const errOtherWorkspace = notAllowedError("you belong to another workspace, and only members of this one can use scanwarden")

// checkMember returns nil for a full member of the workspace home, and a notAllowedError for any other account.
func checkMember(u *slack.User, home *slack.AuthTestResponse) error {
	switch {
	case u.Deleted:
		return notAllowedError("your account is deactivated, and only active members can use scanwarden")
	case u.IsBot || u.IsAppUser || u.IsWorkflowBot || u.IsConnectorBot:
		return notAllowedError("bots and apps cannot use scanwarden; a person has to")
	case u.IsRestricted || u.IsUltraRestricted:
		return notAllowedError("guests cannot use scanwarden; ask a full member of this workspace")
	case u.IsStranger || (u.TeamID != home.TeamID && !slices.Contains(u.Enterprise.Teams, home.TeamID)):
		return errOtherWorkspace
	}
	return nil
}

// userError is an error with a message for users. The error that it wraps is for the log.
type userError struct {
	text  string
	cause error
}

func (e *userError) Error() string { return e.text }
func (e *userError) Unwrap() error { return e.cause }

// workspace returns the workspace of the bot token. It never changes, so it is read once, and again after forgetWorkspace.
func (d *userDirectory) workspace(ctx context.Context) (*slack.AuthTestResponse, error) {
	d.mu.Lock()
	home := d.home
	d.mu.Unlock()
	if home != nil {
		return home, nil
	}
	home, err := singleCall(ctx, d, "workspace", func(ctx context.Context) (*slack.AuthTestResponse, error) {
		home, err := d.api.AuthTestContext(ctx)
		return home, newCallError(methodAuthTest, "", err)
	})
	if err != nil {
		return nil, err
	}
	if home.TeamID == "" {
		return nil, errors.New("auth.test named no workspace")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.home = home
	return home, nil
}

// forgetWorkspace makes the next call of workspace ask auth.test, which says whether the token is still valid.
func (d *userDirectory) forgetWorkspace() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.home = nil
}

// userInfo returns a user, from the cache or from Slack.
func (r userReader) userInfo(ctx context.Context, id string) (*slack.User, error) {
	fetch := func(ctx context.Context, id string) (*slack.User, error) {
		user, err := r.api.GetUserInfoContext(ctx, id)
		return user, newCallError("users.info", "user "+id, err)
	}
	return cachedCall(ctx, r, lookup[*slack.User]{r.users, fetch}, id)
}

// groupsOf returns the user groups of a user, in the form that the policy uses. If some groups cannot be read, it
// returns the other ones and an error.
func (r userReader) groupsOf(ctx context.Context, user string) (in []string, unknown error) {
	for _, group := range r.groups {
		members, err := r.membersOf(ctx, group)
		if err != nil && unknown == nil {
			unknown = &userError{withAdvice("slack did not say who is in the user group "+group, err), err}
		}
		if err == nil && slices.Contains(members, user) {
			in = append(in, groupPrefix+group)
		}
	}
	return in, unknown
}

// membersOf returns the user IDs of a user group, from the cache or from Slack.
func (r userReader) membersOf(ctx context.Context, group string) ([]string, error) {
	fetch := func(ctx context.Context, group string) ([]string, error) {
		members, err := r.api.GetUserGroupMembersContext(ctx, group)
		return members, newCallError("usergroups.users.list", "user group "+group, err)
	}
	return cachedCall(ctx, r, lookup[[]string]{r.members, fetch}, group)
}

// requireMember returns req with a verified caller. Otherwise it replies with the reason and returns false.
func (b *Bot) requireMember(ctx context.Context, req request) (request, bool) {
	by, err := b.resolveUser(ctx, req.users, req.caller)
	if err == nil {
		req.caller = by
		return req, true
	}
	if _, notAllowed := errors.AsType[notAllowedError](err); !notAllowed {
		b.warn(ctx, "failed to verify a user", err, "user", req.user)
	}
	b.replyText(ctx, req, "Not done: "+withPeriod(ownMessage(err)))
	return req, false
}

// ownMessage returns the message of err without the error that it wraps, which a user cannot act on.
func ownMessage(err error) string {
	text := err.Error()
	if inner := errors.Unwrap(err); inner != nil {
		text = strings.TrimSuffix(text, ": "+inner.Error())
	}
	return text
}
