package config

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

func (c *Config) hasToken(name string) bool {
	_, named := c.HTTP.Tokens[name]
	return named || name == "default" && !c.HTTP.Token.Empty()
}

// MinTokenLength is what a bearer token must have at least: it is all that stands between a caller and us.
const MinTokenLength = 16

// checkTokens refuses names that no principal could have.
func (c *Config) checkTokens() error {
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Tokens)) {
		switch {
		case name == "" || name == "default" || c.HTTP.Tokens[name] == (SecretRef{}):
			return c.OriginOf("http.tokens", name).Errorf("%q needs a name other than default and a place; write, for example, ada: {env: ADA_TOKEN}", name)
		case strings.ContainsFunc(name, unicode.IsSpace) || strings.Contains(name, "/"):
			return c.OriginOf("http.tokens", name).Errorf("%q has a blank or a slash in it; take it out, for token:NAME is who the caller is", name)
		}
	}
	return nil
}
