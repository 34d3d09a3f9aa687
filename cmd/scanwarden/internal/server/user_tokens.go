package server

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools/mcpserver/auth"
)

// tokenGrace is how long after its expiry a user's token may still be exchanged: a change may wait for its approvers
// until then, and MSAL renews tokens that it got for it. Entra ID decides about every exchange.
const tokenGrace = time.Hour

const (
	// maxUserTokens bounds the memory of tokens. Further users receive an error until older tokens expire.
	maxUserTokens = 10_000
	// sweepInterval is how often expired tokens are dropped.
	sweepInterval = time.Minute
)

// userTokens holds the tokens of callers with an Entra sign-in, so that Defender can be called on their behalf. They are
// kept in memory only and added only after they were verified. The zero value is empty.
type userTokens struct {
	now func() time.Time // nil means time.Now

	mu        sync.Mutex
	tokens    map[confirm.Principal]userToken
	lastSweep time.Time // when expired tokens were dropped
}

// userToken is a token and the time until which it may be exchanged.
type userToken struct {
	secret defender.Secret
	until  time.Time
}

// add stores the verified token of a caller. It is the Verified function of auth.EntraConfig. Tokens of agents are not
// stored: writes are sent on behalf of users only.
func (u *userTokens) add(caller auth.Caller, token string, expires time.Time) {
	if caller.Agent {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.tokens == nil {
		u.tokens = map[confirm.Principal]userToken{}
	}
	now := u.currentTime()
	if now.Sub(u.lastSweep) > sweepInterval {
		maps.DeleteFunc(u.tokens, func(_ confirm.Principal, t userToken) bool { return !t.until.After(now) })
		u.lastSweep = now
	}
	if _, known := u.tokens[caller.Principal]; known || len(u.tokens) < maxUserTokens {
		u.tokens[caller.Principal] = userToken{defender.NewSecret(token), expires.Add(tokenGrace)}
	}
}

// currentTime returns the test's time or the real one.
func (u *userTokens) currentTime() time.Time {
	if u.now == nil {
		return time.Now()
	}
	return u.now()
}

// get returns the token to exchange for one that calls Defender on behalf of p.
func (u *userTokens) get(p confirm.Principal) (text string, err error) {
	u.mu.Lock()
	token, held := u.tokens[p]
	u.mu.Unlock()
	switch {
	case p == "":
		return "", errors.New("no user is known on whose behalf Defender could be called; ask through an MCP client that is signed in with Entra ID")
	case !strings.HasPrefix(string(p), "entra:"):
		return "", fmt.Errorf("%s has no Entra sign-in here, and Defender is called on behalf of the requester; ask through an MCP client that is signed in with Entra ID", p)
	case !held || !token.until.After(u.currentTime()):
		return "", fmt.Errorf("the sign-in of %s is no longer held here; call once more with the MCP client, and ask again", p)
	}
	err = token.secret.Reveal(func(secret string) error { text = secret; return nil })
	return text, err
}
