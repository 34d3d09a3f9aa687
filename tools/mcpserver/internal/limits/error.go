package limits

import (
	"fmt"
	"time"
)

// Error is the refusal of what exceeds a limit. Nothing was done.
type Error struct {
	Limit      Limit
	All        bool          // the limit of all callers is reached, not the caller's own
	RetryAfter time.Duration // at least a second; 0 if a repetition cannot succeed
}

// reasons has the reason for each limit, of a caller and of all callers.
var reasons = map[Limit]Scoped[string]{
	Requests:      {"you send more requests than one caller may", "all callers together send more requests than this server can answer"},
	InFlight:      {"too many of your requests are in progress", "too many requests are in progress"},
	MessageBytes:  {"too many bytes of your requests are in progress", "too many bytes of requests are in progress"},
	Running:       {"too many of your calls are in progress", "too many calls are in progress"},
	Waiting:       {"too many of your calls wait for a decision already", "too many calls wait for a decision already"},
	OpenSessions:  {"all of your sessions are in use", "all sessions of this server are in use"},
	Handshake:     {"the initialize message is larger than 64 KiB; shorten the client's name and capabilities", ""},
	Proposals:     {"you have proposed as many changes as one caller may in an hour", "all callers together have proposed as many changes as this server keeps in an hour"},
	ProposalBytes: {"your proposals of the last hour are as large as those of one caller may be", "the proposals of the last hour are as large as this server keeps"},

	Unauthenticated:      {"too many requests from your address were not authenticated", "too many requests were not authenticated"},
	UnauthenticatedBytes: {"too many requests from your address wait to be authenticated", "too many requests wait to be authenticated"},
}

// Error returns one sentence with the reason and the time after which to try again.
func (e *Error) Error() string {
	if e.RetryAfter == 0 {
		return e.Reason()
	}
	return e.Reason() + "; " + e.Next()
}

// Reason returns why the caller is refused.
func (e *Error) Reason() string {
	if e.All {
		return reasons[e.Limit].All
	}
	return reasons[e.Limit].Caller
}

// Next returns when to try again, or "" if that cannot help.
func (e *Error) Next() string {
	switch seconds := e.Seconds(); {
	case seconds == 0:
		return ""
	case seconds == 1:
		return "try again in a second"
	case seconds > 180:
		return fmt.Sprintf("try again in %d minutes", (seconds+59)/60)
	default:
		return fmt.Sprintf("try again in %d seconds", seconds)
	}
}

// Seconds returns RetryAfter in whole seconds, rounded up, for the header Retry-After.
func (e *Error) Seconds() int { return int((e.RetryAfter + time.Second - 1) / time.Second) }
