package mcpserver

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/server"
)

// sessions makes and knows session ids: random, and sealed to the holder they were given to. They say nothing and
// prove nothing by themselves; the caller is authenticated on every request.
type sessions struct{ key []byte }

var _ server.SessionIdManagerResolver = sessions{}

// ResolveSessionIdManager implements server.SessionIdManagerResolver; q is nil for the sweeper.
func (s sessions) ResolveSessionIdManager(q *http.Request) server.SessionIdManager {
	if q == nil {
		return sweeper{}
	}
	who, ok := q.Context().Value(callerKey{}).(caller)
	if !ok || who.holder() == "" {
		return sweeper{}
	}
	return sessionsOf{sessions: s, holder: who.holder()}
}

// owns reports whether id was given to this holder, by any replica with the same key.
func (s sessions) owns(id, holder string) bool {
	random, mac, _ := strings.Cut(id, ".")
	return subtle.ConstantTimeCompare([]byte(mac), []byte(s.mac(random, holder))) == 1
}

func (s sessions) mac(random, holder string) string {
	q := asked{principal: holder, tool: "session"}
	return encode(stateMAC(s.key, []byte(random), q))
}

// errNoSession makes the library answer 404, on which clients open a new session.
var errNoSession = errors.New("no such session")

// sessionsOf is one holder's view.
type sessionsOf struct {
	sessions
	holder string
}

func (s sessionsOf) Generate() string {
	random := rand.Text()
	return random + "." + s.mac(random, s.holder)
}

func (s sessionsOf) Validate(id string) (isTerminated bool, err error) {
	if !s.owns(id, s.holder) {
		return false, errNoSession
	}
	return false, nil
}

func (s sessionsOf) Terminate(id string) (isNotAllowed bool, err error) {
	_, err = s.Validate(id)
	return false, err
}

// sweeper is what the library's own clean-up gets: it ends sessions and makes none.
type sweeper struct{}

func (sweeper) Generate() string                            { return "" }
func (sweeper) Validate(string) (bool, error)               { return false, errNoSession }
func (sweeper) Terminate(string) (notAllowed bool, _ error) { return false, nil }
