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
)

// fresh is how long Slack's word on a person or a group is believed: who was removed loses their say within it.
const fresh = time.Minute

// caller is the person behind a signed request: nothing of it was typed or stored in a message. Whom Slack names may
// be of any workspace; only a caller that check returned is somebody here, and has a principal.
type caller struct{ team, user string }

func (c caller) principal() confirm.Principal {
	return confirm.Principal("slack:" + c.team + "/" + c.user)
}

// slackUser is the user id of a principal of Slack's.
func slackUser(p string) (user string, ok bool) {
	rest, slackish := strings.CutPrefix(p, "slack:")
	_, user, ok = strings.Cut(rest, "/")
	return user, ok && slackish && isID(user)
}

// slackUsers are the user ids of a person's accounts in Slack.
func slackUsers(p confirm.Person) (users []string) {
	for _, principal := range p.Principals {
		if user, ok := slackUser(string(principal)); ok {
			users = append(users, user)
		}
	}
	return users
}

// people asks Slack who somebody is, and remembers it for a minute.
type people struct {
	api    *slack.Client
	groups []string // the user groups that policy names
	now    func() time.Time

	flight  singleflight.Group // a crowd asks once
	mu      sync.Mutex
	home    *slack.AuthTestResponse
	users   map[string]answer[*slack.User]
	members map[string]answer[[]string]
}

type answer[T any] struct {
	value T
	until time.Time
}

func newPeople(api *slack.Client, cfg Config) *people {
	p := &people{api: api, now: cfg.Now, users: map[string]answer[*slack.User]{}, members: map[string]answer[[]string]{}}
	for _, listed := range slices.Concat(cfg.Approvers, cfg.Requesters) {
		if group, ok := strings.CutPrefix(listed, groupPrefix); ok && !slices.Contains(p.groups, group) {
			p.groups = append(p.groups, group)
		}
	}
	return p
}

// groupPrefix is how policy names a user group.
const groupPrefix = "slack-group:"

// errStranger is a refusal of a person as such, whatever they ask for.
type errStranger string

func (e errStranger) Error() string { return string(e) }

// check returns a full member of our own workspace, and for anybody else why they cannot act here. When Slack does
// not say who somebody is, they are nobody. On Enterprise Grid Slack names the same person by the workspace and by
// the organisation: what is returned is by the workspace, so that nobody is two.
func (p *people) check(ctx context.Context, c caller) (caller, error) {
	home, err := p.workspace(ctx)
	if err != nil {
		return caller{}, fmt.Errorf("slack did not say which workspace this is, so nobody is believed; try again in a moment: %w", err)
	}
	if c.team != home.TeamID && (home.EnterpriseID == "" || c.team != home.EnterpriseID) {
		return caller{}, errElsewhere
	}
	u, err := p.user(ctx, c.user)
	if err != nil {
		return caller{}, fmt.Errorf("slack did not say who you are, so you are not believed; try again in a moment: %w", err)
	}
	if err := member(u, home); err != nil {
		return caller{}, err
	}
	return caller{team: home.TeamID, user: c.user}, nil
}

const errElsewhere = errStranger("you belong to another workspace, and only members of this one can use scanwarden")

// member says nil for an account that is a person's, and a full one of the workspace home.
func member(u *slack.User, home *slack.AuthTestResponse) error {
	switch {
	case u.Deleted:
		return errStranger("your account is deactivated, and only active members can use scanwarden")
	case u.IsBot || u.IsAppUser || u.IsWorkflowBot || u.IsConnectorBot:
		return errStranger("bots and apps cannot use scanwarden; a person has to")
	case u.IsRestricted || u.IsUltraRestricted:
		return errStranger("guests cannot use scanwarden; ask a full member of this workspace")
	case u.IsStranger || (u.TeamID != home.TeamID && !slices.Contains(u.Enterprise.Teams, home.TeamID)):
		return errElsewhere
	}
	return nil
}

// workspace is where the bot's token belongs; that never changes.
func (p *people) workspace(ctx context.Context) (*slack.AuthTestResponse, error) {
	p.mu.Lock()
	home := p.home
	p.mu.Unlock()
	if home != nil {
		return home, nil
	}
	home, err := together(p, "workspace", func() (*slack.AuthTestResponse, error) {
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

func (p *people) user(ctx context.Context, id string) (*slack.User, error) {
	return remember(p, p.users, id, func() (*slack.User, error) {
		return p.api.GetUserInfoContext(context.WithoutCancel(ctx), id)
	})
}

// groupsOf lists the user groups that a person is in now, as policy names them. With an error it lists those that
// Slack did tell.
func (p *people) groupsOf(ctx context.Context, user string) (in []string, unknown error) {
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

func (p *people) membersOf(ctx context.Context, group string) ([]string, error) {
	return remember(p, p.members, group, func() ([]string, error) {
		return p.api.GetUserGroupMembersContext(context.WithoutCancel(ctx), group)
	})
}

// remember asks unless it has asked within the last minute. Only answers are remembered.
func remember[T any](p *people, known map[string]answer[T], id string, ask func() (T, error)) (T, error) {
	p.mu.Lock()
	a, ok := known[id]
	p.mu.Unlock()
	if ok && p.now().Before(a.until) {
		return a.value, nil
	}
	value, err := together(p, fmt.Sprintf("%T %s", known, id), ask)
	if err != nil {
		return value, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(known) >= remembered {
		clear(known)
	}
	known[id] = answer[T]{value: value, until: p.now().Add(fresh)}
	return value, nil
}

// together asks once for all who want to know the same at the same time. The one who began may go away: the
// client's own timeout bounds the call.
func together[T any](p *people, what string, ask func() (T, error)) (T, error) {
	v, err, _ := p.flight.Do(what, func() (any, error) { return ask() })
	return v.(T), err
}

// admit is admitted, answered to the person. It is false for whoever may not act here at all.
func (b *Bot) admit(ctx context.Context, t talk) (talk, bool) {
	who, err := b.admitted(ctx, t.caller)
	if err == nil {
		t.caller = who
		return t, true
	}
	if _, stranger := errors.AsType[errStranger](err); !stranger {
		b.giveUpOn(err)
		b.cfg.Log.WarnContext(ctx, "it could not be told who somebody is", "user", t.user, "error", err)
	}
	b.tell(ctx, t, "Not done: "+stopped(withoutCause(err)))
	return t, false
}

// withoutCause is what we say ourselves of an error, without what it wraps: a person can do nothing with that.
func withoutCause(err error) string {
	text := err.Error()
	if inner := errors.Unwrap(err); inner != nil {
		text = strings.TrimSuffix(text, ": "+inner.Error())
	}
	return text
}
