package mcpserver

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/server"
)

// sessionIDs generates and checks session ids, which are random and sealed to their owner. An id proves nothing by
// itself: the caller is authenticated on every request.
type sessionIDs struct{ key []byte }

var _ server.SessionIdManagerResolver = sessionIDs{}

// ResolveSessionIdManager implements server.SessionIdManagerResolver. q is nil for the library's cleanup of idle
// sessions.
func (s sessionIDs) ResolveSessionIdManager(q *http.Request) server.SessionIdManager {
	if q == nil {
		return expiredSessions{}
	}
	caller, ok := q.Context().Value(callerKey{}).(callerIdentity)
	if !ok || caller.sessionOwner() == "" {
		return expiredSessions{}
	}
	return callerSessions{sessionIDs: s, owner: caller.sessionOwner()}
}

// belongsTo reports whether id was issued to this owner by a replica with the same key.
func (s sessionIDs) belongsTo(id, owner string) bool {
	random, mac, _ := strings.Cut(id, ".")
	return subtle.ConstantTimeCompare([]byte(mac), []byte(s.sign(random, owner))) == 1
}

func (s sessionIDs) sign(random, owner string) string {
	b := stateBinding{principal: owner, tool: "session"}
	return encodeBase64(stateMAC(s.key, []byte(random), b))
}

// errNoSession makes the library answer 404, and clients then open a new session.
var errNoSession = errors.New("no such session")

// callerSessions manages the session ids of one owner.
type callerSessions struct {
	sessionIDs
	owner string
}

func (s callerSessions) Generate() string {
	random := rand.Text()
	return random + "." + s.sign(random, s.owner)
}

func (s callerSessions) Validate(id string) (isTerminated bool, err error) {
	if !s.belongsTo(id, s.owner) {
		return false, errNoSession
	}
	return false, nil
}

func (s callerSessions) Terminate(id string) (isNotAllowed bool, err error) {
	_, err = s.Validate(id)
	return false, err
}

// expiredSessions is the session manager for the library's cleanup: it generates no ids and accepts none.
type expiredSessions struct{}

func (expiredSessions) Generate() string                            { return "" }
func (expiredSessions) Validate(string) (bool, error)               { return false, errNoSession }
func (expiredSessions) Terminate(string) (notAllowed bool, _ error) { return false, nil }
