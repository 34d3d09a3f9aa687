package config

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"scanwarden/confirm"
)

// hasToken reports whether a bearer token of this name is configured. The unnamed token is called default.
func (c *Config) hasToken(name string) bool {
	_, named := c.HTTP.Tokens[name]
	return named || name == "default" && !c.HTTP.Token.Empty()
}

// MinTokenLength is the shortest bearer token that is accepted, because the token is a caller's only proof.
const MinTokenLength = 16

// checkTokens returns an error for a token name that cannot be part of a principal, and for a token without a location.
func (c *Config) checkTokens() error {
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Tokens)) {
		switch {
		case name == "" || name == "default" || c.HTTP.Tokens[name] == (SecretRef{}):
			return c.OriginOf("http.tokens", name).Errorf("%q needs a name other than default and a place; write, for example, ada: {env: ADA_TOKEN}", name)
		case strings.ContainsFunc(name, unicode.IsSpace) || strings.Contains(name, "/"):
			return c.OriginOf("http.tokens", name).Errorf("%q has a blank or a slash in it; take it out, for token:NAME is who the caller is", name)
		}
	}
	return c.checkAgentTokens()
}

// checkAgentTokens returns an error for an agent's token that is not configured. A misspelt name would otherwise let an
// agent decide.
func (c *Config) checkAgentTokens() error {
	for i, name := range c.HTTP.AgentTokens {
		name = strings.TrimPrefix(name, "token:")
		c.HTTP.AgentTokens[i] = name
		if _, named := c.HTTP.Tokens[name]; !named && name != "default" {
			return c.OriginOf("http.agent_tokens").Errorf("%q is no name in http.tokens; correct it, or add its token there", name)
		}
	}
	return nil
}

// agents returns the principals of the tokens that agents hold.
func (c *Config) agents() (principals []confirm.Principal) {
	for _, name := range c.HTTP.AgentTokens {
		principals = append(principals, confirm.Principal("token:"+name))
	}
	return principals
}
