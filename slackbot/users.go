package slackbot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// userCacheTTL is how long Slack's word on a person or a group is believed: who was removed loses their say within it.
const userCacheTTL = time.Minute

// caller is the person behind a signed request: nothing of it was typed or stored in a message. Whom Slack names may
// be of any workspace; only a caller that check returned is somebody here, and has a principal.
type caller struct{ team, user string }

func (c caller) principal() confirm.Principal {
	return confirm.Principal("slack:" + c.team + "/" + c.user)
}

// slackUserIDs are the user ids of a person's accounts in Slack.
func slackUserIDs(p confirm.Person) (users []string) {
	for _, principal := range p.Principals {
		if user, ok := blocks.UserID(string(principal)); ok {
			users = append(users, user)
		}
	}
	return users
}

// userDirectory asks Slack who somebody is, and remembers it for a minute.
type userDirectory struct {
	api    *slack.Client
	groups []string // the user groups that policy names
	now    func() time.Time

	flight  singleflight.Group // a crowd asks once
	mu      sync.Mutex
	home    *slack.AuthTestResponse
	users   map[string]cached[*slack.User]
	members map[string]cached[[]string]
}

type cached[T any] struct {
	value T
	until time.Time
}

func newUserDirectory(api *slack.Client, cfg Config) *userDirectory {
	p := &userDirectory{api: api, now: cfg.Now, users: map[string]cached[*slack.User]{}, members: map[string]cached[[]string]{}}
	for _, listed := range slices.Concat(cfg.Approvers, cfg.Requesters) {
		if group, ok := strings.CutPrefix(listed, groupPrefix); ok && !slices.Contains(p.groups, group) {
			p.groups = append(p.groups, group)
		}
	}
	return p
}

// groupPrefix is how policy names a user group.
const groupPrefix = "slack-group:"

// notAllowedError is a refusal of a person as such, whatever they ask for.
type notAllowedError string

func (e notAllowedError) Error() string { return string(e) }

// member returns a full member of our own workspace, and for anybody else why they cannot act here. When Slack does
// not say who somebody is, they are nobody. On Enterprise Grid Slack names the same person by the workspace and by
// the organisation: what is returned is by the workspace, so that nobody is two.
func (p *userDirectory) member(ctx context.Context, c caller) (caller, error) {
	home, err := p.workspace(ctx)
	if err != nil {
		return caller{}, fmt.Errorf("slack did not say which workspace this is, so nobody is believed; try again in a moment: %w", err)
	}
	if c.team != home.TeamID && (home.EnterpriseID == "" || c.team != home.EnterpriseID) {
		return caller{}, errOtherWorkspace
	}
	u, err := p.userInfo(ctx, c.user)
	if err != nil {
		return caller{}, fmt.Errorf("slack did not say who you are, so you are not believed; try again in a moment: %w", err)
	}
	if err := checkMember(u, home); err != nil {
		return caller{}, err
	}
	return caller{team: home.TeamID, user: c.user}, nil
}

const errOtherWorkspace = notAllowedError("you belong to another workspace, and only members of this one can use scanwarden")

// checkMember says nil for an account that is a person's, and a full one of the workspace home.
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

// workspace is where the bot's token belongs; that never changes.
func (p *userDirectory) workspace(ctx context.Context) (*slack.AuthTestResponse, error) {
	p.mu.Lock()
	home := p.home
	p.mu.Unlock()
	if home != nil {
		return home, nil
	}
	home, err := singleCall(p, "workspace", func() (*slack.AuthTestResponse, error) {
		return p.api.AuthTestContext(context.WithoutCancel(ctx))
	})
	if err != nil {
		return nil, err
	}
	if home.TeamID == "" {
		return nil, errors.New("auth.test named no workspace")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.home = home
	return home, nil
}

func (p *userDirectory) userInfo(ctx context.Context, id string) (*slack.User, error) {
	return cachedCall(p, p.users, id, func() (*slack.User, error) {
		return p.api.GetUserInfoContext(context.WithoutCancel(ctx), id)
	})
}

// groupsOf lists the user groups that a person is in now, as policy names them. With an error it lists those that
// Slack did tell.
func (p *userDirectory) groupsOf(ctx context.Context, user string) (in []string, unknown error) {
	for _, group := range p.groups {
		members, err := p.membersOf(ctx, group)
		if err != nil && unknown == nil {
			unknown = fmt.Errorf("slack did not say who is in the user group %s; try again in a moment: %w", group, err)
		}
		if err == nil && slices.Contains(members, user) {
			in = append(in, groupPrefix+group)
		}
	}
	return in, unknown
}

func (p *userDirectory) membersOf(ctx context.Context, group string) ([]string, error) {
	return cachedCall(p, p.members, group, func() ([]string, error) {
		return p.api.GetUserGroupMembersContext(context.WithoutCancel(ctx), group)
	})
}

// cachedCall asks unless it has asked within the last minute. Only answers are remembered.
func cachedCall[T any](p *userDirectory, known map[string]cached[T], id string, ask func() (T, error)) (T, error) {
	p.mu.Lock()
	a, ok := known[id]
	p.mu.Unlock()
	if ok && p.now().Before(a.until) {
		return a.value, nil
	}
	value, err := singleCall(p, fmt.Sprintf("%T %s", known, id), ask)
	if err != nil {
		return value, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(known) >= dedupSize {
		clear(known)
	}
	known[id] = cached[T]{value: value, until: p.now().Add(userCacheTTL)}
	return value, nil
}

// singleCall asks once for all who want to know the same at the same time. The one who began may go away: the
// client's own timeout bounds the call.
func singleCall[T any](p *userDirectory, what string, ask func() (T, error)) (T, error) {
	v, err, _ := p.flight.Do(what, func() (any, error) { return ask() })
	return v.(T), err
}

// requireMember is admitted, answered to the person. It is false for whoever may not act here at all.
func (b *Bot) requireMember(ctx context.Context, req request) (request, bool) {
	who, err := b.resolveUser(ctx, req.caller)
	if err == nil {
		req.caller = who
		return req, true
	}
	if _, stranger := errors.AsType[notAllowedError](err); !stranger {
		b.stopIfFatal(err)
		b.cfg.Log.WarnContext(ctx, "it could not be told who somebody is", "user", req.user, "error", err)
	}
	b.replyText(ctx, req, "Not done: "+withPeriod(ownMessage(err)))
	return req, false
}

// ownMessage is what we say ourselves of an error, without what it wraps: a person can do nothing with that.
func ownMessage(err error) string {
	text := err.Error()
	if inner := errors.Unwrap(err); inner != nil {
		text = strings.TrimSuffix(text, ": "+inner.Error())
	}
	return text
}
