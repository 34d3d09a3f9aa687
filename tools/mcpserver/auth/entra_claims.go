package auth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"scanwarden/confirm"
)

// What an administrator grants on the server's own registration.
const (
	scopeUse      = "Scans.Use"       // delegated scope: a person may call
	roleUseAll    = "Scans.Use.All"   // app role: an application may call
	roleRequester = "Scans.Requester" // app role: may propose, where the policy names requesters
)

// claims are what is read of an Entra v2 access token (Microsoft Learn, access-token-claims-reference and
// agent-id/agent-token-claims).
type claims struct {
	jwt.RegisteredClaims
	tenant, version, objectID  string // tid, ver, oid
	client                     string // azp: the application that asked for the token
	tokenType                  string // idtyp: "app" for an application's own token; an optional claim
	scopes                     string // scp, space-separated: a person's token has it
	roles                      []string
	actorFacets, subjectFacets string // xms_act_fct, xms_sub_fct: space-separated numbers
	identityProvider           string // idp: who authenticated the account, where that was not the issuer
	account                    any    // acct: 0 for a member of the tenant, 1 for a guest; an optional claim
}

// UnmarshalJSON takes claims by their exact names; encoding/json would take "TID" for "tid".
func (c *claims) UnmarshalJSON(raw []byte) error {
	fields, err := strictObject(raw)
	if err != nil {
		return err
	}
	for name, into := range map[string]any{
		"iss": &c.Issuer, "aud": &c.Audience, "exp": &c.ExpiresAt, "nbf": &c.NotBefore,
		"tid": &c.tenant, "ver": &c.version, "oid": &c.objectID, "azp": &c.client, "idtyp": &c.tokenType,
		"scp": &c.scopes, "roles": &c.roles, "xms_act_fct": &c.actorFacets, "xms_sub_fct": &c.subjectFacets,
		"idp": &c.identityProvider, "acct": &c.account,
	} {
		value, ok := fields[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, into); err != nil {
			return fmt.Errorf("claim %s: %w", name, err)
		}
	}
	return nil
}

// isDelegated reports whether the token was given to a client in somebody's name. Entra writes "/" for no scope.
func (c *claims) isDelegated() bool { return c.scopes != "" && c.scopes != "/" && c.tokenType != "app" }

// isApplication reports whether the token is an application's own.
func (c *claims) isApplication() bool {
	return (c.scopes == "" || c.scopes == "/") && (c.tokenType == "" || c.tokenType == "app")
}

// The facets that make an agent of whoever they are said of.
const (
	facetAgent     = "11" // an AI agent's identity
	facetAgentUser = "13" // an account made for an AI agent
)

// isAgent reports whether no person is behind the call itself: an application's own token, or an AI agent's. One that
// acts for a person carries that person's object id, and is told apart by its facets alone.
func (c *claims) isAgent() bool {
	subject := strings.Fields(c.subjectFacets)
	return !c.isDelegated() || slices.Contains(strings.Fields(c.actorFacets), facetAgent) ||
		slices.Contains(subject, facetAgent) || slices.Contains(subject, facetAgentUser)
}

// isGuest reports whether the account is another organisation's, and was invited into the tenant: nobody in the tenant
// answers for who uses it. The tenant's own word (acct) is taken where its administrator had it put into tokens;
// otherwise an account that another identity provider has authenticated is a guest's (access-token-claims-reference,
// optional-claims-reference).
func (c *claims) isGuest() bool {
	if c.account != nil {
		return c.account != float64(0) && c.account != "0"
	}
	return c.identityProvider != "" && !strings.Contains(strings.ToLower(c.identityProvider), strings.ToLower(c.tenant))
}

// mayCall reports whether the holder may call at all.
func (c *claims) mayCall() bool {
	if c.isApplication() {
		return slices.Contains(c.roles, roleUseAll)
	}
	return c.isDelegated() && slices.Contains(strings.Fields(c.scopes), scopeUse)
}

// toCaller names the holder, whom allowed has let in.
func (c *claims) toCaller() Caller {
	who := Caller{
		Principal: confirm.Principal(strings.ToLower("entra:" + c.tenant + "/" + c.objectID)),
		Agent:     c.isAgent(),
	}
	for _, role := range c.roles {
		if !who.Agent || role == roleRequester || role == roleUseAll { // an agent never brings a say in decisions
			who.Groups = append(who.Groups, "entra-role:"+role)
		}
	}
	return who
}
