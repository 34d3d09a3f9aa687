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

// tokenGrace is how long after its own end a caller's token may still be traded: a change may wait for its
// people until then, and MSAL renews what it once got for it. Entra ID has the last word on every exchange.
const tokenGrace = time.Hour

const (
	maxUserTokens = 10_000      // whose tokens are held; who comes after that is told to come again
	sweepInterval = time.Minute // how often those that are too old are dropped
)

// userTokens holds the tokens of the people who call with Entra ID, in memory and nowhere else, so that Defender is
// called in their names. A token is known here only after it was verified. The zero value holds none.
type userTokens struct {
	now func() time.Time // nil means time.Now

	mu        sync.Mutex
	tokens    map[confirm.Principal]userToken
	lastSweep time.Time // when the old ones were dropped last
}

type userToken struct {
	secret defender.Secret
	until  time.Time
}

// add is for auth.EntraConfig.Verified.
func (c *userTokens) add(who auth.Caller, token string, expires time.Time) {
	if who.Agent {
		return // an agent may ask; what is sent goes in a person's name, or not at all
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil {
		c.tokens = map[confirm.Principal]userToken{}
	}
	now := c.currentTime()
	if now.Sub(c.lastSweep) > sweepInterval {
		maps.DeleteFunc(c.tokens, func(_ confirm.Principal, t userToken) bool { return !t.until.After(now) })
		c.lastSweep = now
	}
	if _, known := c.tokens[who.Principal]; known || len(c.tokens) < maxUserTokens {
		c.tokens[who.Principal] = userToken{defender.NewSecret(token), expires.Add(tokenGrace)}
	}
}

func (c *userTokens) currentTime() time.Time {
	if c.now == nil {
		return time.Now()
	}
	return c.now()
}

// get is the token to trade for one in the name of p.
func (c *userTokens) get(p confirm.Principal) (text string, err error) {
	c.mu.Lock()
	token, held := c.tokens[p]
	c.mu.Unlock()
	switch {
	case p == "":
		return "", errors.New("no user is known on whose behalf Defender could be called; ask through an MCP client that is signed in with Entra ID")
	case !strings.HasPrefix(string(p), "entra:"):
		return "", fmt.Errorf("%s has no Entra sign-in here, and Defender is called on behalf of the requester; ask through an MCP client that is signed in with Entra ID", p)
	case !held || !token.until.After(c.currentTime()):
		return "", fmt.Errorf("the sign-in of %s is no longer held here; call once more with the MCP client, and ask again", p)
	}
	err = token.secret.Reveal(func(secret string) error { text = secret; return nil })
	return text, err
}
