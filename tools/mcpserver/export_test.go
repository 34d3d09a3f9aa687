package mcpserver

import (
	"time"
)

// For the fuzz test: seal and open with plain arguments.

func SealForTest(key []byte, change string, round int, expires time.Time, principal, tool string) (string, error) {
	return seal(key, question{Change: change, Round: round, Expires: expires.Unix()}, asked{principal: principal, tool: tool})
}

func OpenForTest(key []byte, state, principal, tool string, now time.Time) (change string, round int, err error) {
	q, err := open(key, state, asked{principal: principal, tool: tool}, now)
	return q.Change, q.Round, err
}
