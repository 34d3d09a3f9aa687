package slackbot

import (
	"context"
	"errors"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// warnInterval is how long the log does not repeat the warning of one method, subject and error code. Calls that fail are
// repeated every few seconds.
const warnInterval = 10 * time.Minute

// warnLog remembers which warnings were logged.
type warnLog struct{ last *lru.Cache[string, time.Time] }

func newWarnLog() warnLog { return warnLog{newCache[time.Time](4 * userCacheSize)} }

// isDue reports whether a warning may be logged now, and records that it is.
func (l warnLog) isDue(key string, now time.Time) bool {
	if at, ok := l.last.Get(key); ok && now.Sub(at) < warnInterval {
		return false
	}
	l.last.Add(key, now)
	return true
}

// warn logs each of the joined errors of calls to Slack, with the method, what it is about, and what to do. It repeats an error only
// after warnInterval. Other errors are logged each time. If the token may be invalid, the next round of notifyLoop asks
// auth.test.
func (b *Bot) warn(ctx context.Context, message string, err error, more ...any) {
	for _, e := range joinedErrors(err) {
		call, ok := errors.AsType[*callError](e)
		if !ok {
			b.cfg.Log.WarnContext(ctx, message, slices.Concat(more, []any{"error", e})...)
			continue
		}
		code := slackCode(e)
		if tokenCodes[code] {
			b.users.forgetWorkspace()
		}
		if code != "" && !b.warned.isDue(call.method+" "+call.subject+" "+code, b.cfg.Now()) {
			continue
		}
		b.cfg.Log.WarnContext(ctx, message, slices.Concat(more, call.logFields())...)
	}
}

// logFields returns the error as fields of a log entry.
func (e *callError) logFields() []any {
	fields := []any{"method", e.method}
	if e.subject != "" {
		fields = append(fields, "affects", e.subject)
	}
	fields = append(fields, "error", e.err)
	if slackCode(e) == "missing_scope" {
		needed := neededScopes(e)
		fields = append(fields, "scope", needed)
		if use := scopeUses[needed]; use != "" {
			fields = append(fields, "without_it", use)
		}
	}
	if _, fix := explainError(e); fix != "" {
		fields = append(fields, "do", fix)
	}
	return fields
}
