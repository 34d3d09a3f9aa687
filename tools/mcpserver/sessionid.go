package mcpserver

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/server"

	"scanwarden/tools/mcpserver/internal/limits"
)

// sessionIDs generates and checks session ids, which are random and sealed to their owner. An id proves nothing by
// itself: the caller is authenticated on every request.
type sessionIDs struct {
	key  []byte
	open *limits.Sessions
}

var _ server.SessionIdManagerResolver = sessionIDs{}

// ResolveSessionIdManager implements server.SessionIdManagerResolver. q is nil for the library's cleanup of idle
// sessions.
func (s sessionIDs) ResolveSessionIdManager(q *http.Request) server.SessionIdManager {
	if q == nil {
		return expiredSessions{open: s.open}
	}
	caller, ok := q.Context().Value(callerKey{}).(callerIdentity)
	if !ok || caller.sessionOwner() == "" {
		return expiredSessions{open: s.open}
	}
	return callerSessions{sessionIDs: s, owner: caller.sessionOwner(), request: q.Context()}
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

// callerSessions manages the session ids of one owner, for one request.
type callerSessions struct {
	sessionIDs
	owner   string
	request context.Context // has the sessionUse of the request
}

// Generate returns the id of a new session, or "" if the handler has not allowed one. The library does not keep a session
// with an empty id.
func (s callerSessions) Generate() string {
	use := sessionUseFrom(s.request)
	if use == nil || use.opening == nil {
		return ""
	}
	random := rand.Text()
	id := random + "." + s.sign(random, s.owner)
	use.opening.Bind(id)
	return id
}

// Validate returns an error unless the id is the owner's and its session has not been ended. It marks the session as
// used until the request ends.
func (s callerSessions) Validate(id string) (isTerminated bool, err error) {
	if !s.belongsTo(id, s.owner) {
		return false, errNoSession
	}
	use := sessionUseFrom(s.request)
	if use == nil {
		return false, errNoSession
	}
	release, ok := s.open.Use(s.owner, id)
	if !ok {
		return false, errNoSession
	}
	use.releases = append(use.releases, release)
	return false, nil
}

func (s callerSessions) Terminate(id string) (isNotAllowed bool, err error) {
	if !s.belongsTo(id, s.owner) {
		return false, errNoSession
	}
	s.open.End(id)
	return false, nil
}

// sessionUse is the use of sessions by one request. The library calls the session manager with the request alone, so
// the context of the request has it.
type sessionUse struct {
	opening  *limits.Opening // room for the session that the request may open; nil for none
	releases []func()        // free the sessions that the request uses
}

type sessionUseKey struct{}

// sessionUseFrom returns the sessionUse of a request, or nil if it has none.
func sessionUseFrom(ctx context.Context) *sessionUse {
	use, _ := ctx.Value(sessionUseKey{}).(*sessionUse)
	return use
}

func (u *sessionUse) release() {
	for _, free := range u.releases {
		free()
	}
}

// expiredSessions is the session manager for the library's cleanup of idle sessions: it generates no ids and accepts
// none.
type expiredSessions struct{ open *limits.Sessions }

func (expiredSessions) Generate() string              { return "" }
func (expiredSessions) Validate(string) (bool, error) { return false, errNoSession }

func (s expiredSessions) Terminate(id string) (notAllowed bool, _ error) {
	s.open.End(id)
	return false, nil
}
