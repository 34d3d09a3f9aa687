package mcpserver

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/server"
)

// sessionIDs makes and knows session ids: random, and sealed to the holder they were given to. They say nothing and
// prove nothing by themselves; the caller is authenticated on every request.
type sessionIDs struct{ key []byte }

var _ server.SessionIdManagerResolver = sessionIDs{}

// ResolveSessionIdManager implements server.SessionIdManagerResolver; q is nil for the sweeper.
func (s sessionIDs) ResolveSessionIdManager(q *http.Request) server.SessionIdManager {
	if q == nil {
		return expiredSessions{}
	}
	who, ok := q.Context().Value(callerKey{}).(callerIdentity)
	if !ok || who.sessionOwner() == "" {
		return expiredSessions{}
	}
	return callerSessions{sessionIDs: s, owner: who.sessionOwner()}
}

// belongsTo reports whether id was given to this holder, by any replica with the same key.
func (s sessionIDs) belongsTo(id, holder string) bool {
	random, mac, _ := strings.Cut(id, ".")
	return subtle.ConstantTimeCompare([]byte(mac), []byte(s.sign(random, holder))) == 1
}

func (s sessionIDs) sign(random, holder string) string {
	q := stateBinding{principal: holder, tool: "session"}
	return encodeBase64(stateMAC(s.key, []byte(random), q))
}

// errNoSession makes the library answer 404, on which clients open a new session.
var errNoSession = errors.New("no such session")

// callerSessions is one holder's view.
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

// expiredSessions is what the library's own clean-up gets: it ends sessions and makes none.
type expiredSessions struct{}

func (expiredSessions) Generate() string                            { return "" }
func (expiredSessions) Validate(string) (bool, error)               { return false, errNoSession }
func (expiredSessions) Terminate(string) (notAllowed bool, _ error) { return false, nil }
