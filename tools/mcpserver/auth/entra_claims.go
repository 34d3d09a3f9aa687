package auth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"scanwarden/confirm"
)

// Permissions that an administrator grants on this server's app registration.
const (
	scopeUse      = "Scans.Use"       // delegated scope: a user may call
	roleUseAll    = "Scans.Use.All"   // app role: an application may call
	roleRequester = "Scans.Requester" // app role: may propose, where the policy names requesters
)

// claims has the claims that are read from an Entra v2 access token (Microsoft Learn, access-token-claims-reference
// and agent-id/agent-token-claims).
type claims struct {
	jwt.RegisteredClaims
	tenant, version, objectID  string // tid, ver, oid
	client                     string // azp: the client application that requested the token
	tokenType                  string // idtyp: "app" for an application's own token; an optional claim
	scopes                     string // scp, space-separated: only in a user's token
	roles                      []string
	actorFacets, subjectFacets string // xms_act_fct, xms_sub_fct: space-separated numbers
	identityProvider           string // idp: authenticated the account, if the issuer did not
	account                    any    // acct: 0 for a member of the tenant, 1 for a guest; an optional claim
}

// UnmarshalJSON reads claims by their exact names; encoding/json would accept "TID" for "tid".
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

// isDelegated reports whether the token was issued to a client on behalf of a user. Entra writes "/" for no scope.
func (c *claims) isDelegated() bool { return c.scopes != "" && c.scopes != "/" && c.tokenType != "app" }

// isApplication reports whether the token is an application's own.
func (c *claims) isApplication() bool {
	return (c.scopes == "" || c.scopes == "/") && (c.tokenType == "" || c.tokenType == "app")
}

// Facets of AI agents.
const (
	facetAgent     = "11" // an AI agent's identity
	facetAgentUser = "13" // an account made for an AI agent
)

// isAgent reports whether no user made the call: the token is an application's own, or an AI agent's. An agent that
// acts for a user has that user's object id, and only its facets differ.
func (c *claims) isAgent() bool {
	subject := splitFacets(c.subjectFacets)
	return !c.isDelegated() || slices.Contains(splitFacets(c.actorFacets), facetAgent) ||
		slices.Contains(subject, facetAgent) || slices.Contains(subject, facetAgentUser)
}

// splitFacets returns the numbers in a list of facets. Entra separates them by spaces. Any other separator counts
// too, because an agent must not pass as a user where a list is written differently.
func splitFacets(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c < '0' || c > '9' })
}

// isGuest reports whether the account belongs to another organization and was invited into the tenant: the tenant
// does not control its use. It uses the claim acct if the tenant's administrator added it to tokens. Otherwise an
// account that another identity provider has authenticated is a guest (access-token-claims-reference,
// optional-claims-reference).
func (c *claims) isGuest(authority string) bool {
	if c.account != nil {
		return c.account != float64(0) && c.account != "0"
	}
	return c.identityProvider != "" && !isIssuerOfTenant(c.identityProvider, authority, c.tenant)
}

// isIssuerOfTenant reports whether an identity provider is the tenant itself: one of the URLs that Entra writes as the
// tenant's issuer, at one of Microsoft's hosts or at the authority. A URL that only contains the tenant's id is not.
func isIssuerOfTenant(provider, authority, tenant string) bool {
	own := []string{"https://sts.windows.net/" + tenant, "https://sts.chinacloudapi.cn/" + tenant, authority + "/" + tenant, authority + "/" + tenant + "/v2.0"}
	return slices.ContainsFunc(own, func(issuer string) bool { return strings.EqualFold(strings.TrimSuffix(provider, "/"), issuer) })
}

// mayCall reports whether the token grants the permission to call this server.
func (c *claims) mayCall() bool {
	if c.isApplication() {
		return slices.Contains(c.roles, roleUseAll)
	}
	return c.isDelegated() && slices.Contains(strings.Fields(c.scopes), scopeUse)
}

// toCaller returns the caller for a token that mayCall has accepted.
func (c *claims) toCaller() Caller {
	caller := Caller{
		Principal: confirm.Principal(strings.ToLower("entra:" + c.tenant + "/" + c.objectID)),
		Agent:     c.isAgent(),
	}
	for _, role := range c.roles {
		if !caller.Agent || role == roleRequester || role == roleUseAll { // no role lets an agent decide
			caller.Groups = append(caller.Groups, "entra-role:"+role)
		}
	}
	return caller
}
