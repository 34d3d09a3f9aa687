package main

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

// keptAfterwards is how long after its own end a caller's token may still be traded: a change may wait for its
// people until then, and MSAL renews what it once got for it. Entra ID has the last word on every exchange.
const keptAfterwards = time.Hour

const (
	mostCallers = 10_000      // whose tokens are held; who comes after that is told to come again
	sweepEvery  = time.Minute // how often those that are too old are dropped
)

// callers holds the tokens of the people who call with Entra ID, in memory and nowhere else, so that Defender is
// called in their names. A token is known here only after it was verified. The zero value holds none.
type callers struct {
	now func() time.Time // nil means time.Now

	mu    sync.Mutex
	held  map[confirm.Principal]heldToken
	swept time.Time // when the old ones were dropped last
}

type heldToken struct {
	text  defender.Secret
	until time.Time
}

// verified is for auth.EntraConfig.Verified.
func (c *callers) verified(who auth.Caller, token string, expires time.Time) {
	if who.Agent {
		return // an agent may ask; what is sent goes in a person's name, or not at all
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = map[confirm.Principal]heldToken{}
	}
	now := c.clock()
	if now.Sub(c.swept) > sweepEvery {
		maps.DeleteFunc(c.held, func(_ confirm.Principal, t heldToken) bool { return !t.until.After(now) })
		c.swept = now
	}
	if _, known := c.held[who.Principal]; known || len(c.held) < mostCallers {
		c.held[who.Principal] = heldToken{defender.NewSecret(token), expires.Add(keptAfterwards)}
	}
}

func (c *callers) clock() time.Time {
	if c.now == nil {
		return time.Now()
	}
	return c.now()
}

// assertion is the token to trade for one in the name of p.
func (c *callers) assertion(p confirm.Principal) (text string, err error) {
	c.mu.Lock()
	token, held := c.held[p]
	c.mu.Unlock()
	switch {
	case p == "":
		return "", errors.New("nobody has called whose name Defender could record; ask through an MCP client that is signed in with Entra ID")
	case !strings.HasPrefix(string(p), "entra:"):
		return "", fmt.Errorf("%s has no Entra sign-in here, and Defender is to record who asked; ask through an MCP client that is signed in with Entra ID", p)
	case !held || !token.until.After(c.clock()):
		return "", fmt.Errorf("the sign-in of %s is not held here any more; call once more with the MCP client, and ask again", p)
	}
	err = token.text.Reveal(func(secret string) error { text = secret; return nil })
	return text, err
}
