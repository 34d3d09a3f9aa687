package slackbot

import (
	"context"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"
)

// userCacheTTL is how long an answer of Slack about a user or a group is used. A removed user can read and propose for at
// most that time. Approvals depend on newer answers: see userDirectory.current.
const userCacheTTL = time.Minute

// userCacheSize bounds the users, and the groups, that are cached.
const userCacheSize = 4096

// userDirectory asks Slack about users and groups, and keeps the answers for userCacheTTL.
type userDirectory struct {
	api    *slack.Client
	groups []string // the user groups that the policy contains
	now    func() time.Time

	flight  singleflight.Group // concurrent reads of the same user or group are one call
	users   *lru.Cache[string, cached[*slack.User]]
	members *lru.Cache[string, cached[[]string]]

	mu   sync.Mutex
	home *slack.AuthTestResponse // nil until it was read
}

// cached is an answer of Slack, and the time when Slack was asked for it. The expirable cache of golang-lru does not fit:
// it runs a goroutine that never ends.
type cached[T any] struct {
	value T
	asked time.Time
}

// userReader reads from a userDirectory, and uses no answer to a question that was asked before notBefore. The zero time
// accepts every cached answer.
type userReader struct {
	*userDirectory
	notBefore time.Time
}

// current returns a reader that asks Slack again about each user and group.
func (d *userDirectory) current() userReader { return userReader{d, d.now()} }

// lookup is a question to Slack about a user or a group, and the answers to it by ID.
type lookup[T any] struct {
	answers *lru.Cache[string, cached[T]]
	fetch   func(ctx context.Context, id string) (T, error)
}

// cachedCall returns the cached answer about id, or asks Slack and caches its answer. Errors are not cached.
func cachedCall[T any](ctx context.Context, r userReader, l lookup[T], id string) (T, error) {
	if entry, ok := l.answers.Get(id); ok && r.now().Before(entry.asked.Add(userCacheTTL)) && !entry.asked.Before(r.notBefore) {
		return entry.value, nil
	}
	for {
		entry, err := singleCall(ctx, r.userDirectory, fmt.Sprintf("%T %s", l.answers, id), func(ctx context.Context) (cached[T], error) {
			entry := cached[T]{asked: r.now()}
			var err error
			if entry.value, err = l.fetch(ctx, id); err == nil {
				l.answers.Add(id, entry)
			}
			return entry, err
		})
		if ctx.Err() != nil || !entry.asked.Before(r.notBefore) {
			return entry.value, err
		} // else it was a call that another caller had begun before; the next one cannot be
	}
}

// singleCall calls fetch once for all concurrent calls with the same key. The context of fetch is not that of its first
// caller, who may leave before the others; apiTimeout bounds it. If ctx ends first, singleCall returns its error.
func singleCall[T any](ctx context.Context, d *userDirectory, key string, fetch func(context.Context) (T, error)) (value T, err error) {
	result := d.flight.DoChan(key, func() (any, error) { return fetch(context.WithoutCancel(ctx)) })
	select {
	case r := <-result:
		return r.Val.(T), r.Err
	case <-ctx.Done():
		return value, ctx.Err()
	}
}
