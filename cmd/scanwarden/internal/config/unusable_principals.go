package config

import (
	"slices"
	"strings"

	"scanwarden/tools/mcpserver/auth"
)

// unusablePrincipals returns a finding for each well-formed principal that no caller can have here. A person
// listed with one still counts as two, and could confirm what they requested.
func (c *Config) unusablePrincipals() (found []Finding) {
	policy := c.ConfirmPolicy()
	named := slices.Concat(policy.Approvers, policy.Requesters)
	for _, person := range policy.People {
		for _, principal := range person.Principals {
			named = append(named, string(principal))
		}
	}
	slices.Sort(named)
	for _, principal := range slices.Compact(named) {
		if f, is := c.unusableReason(principal); is {
			found = append(found, f)
		}
	}
	for _, agent := range policy.Agents {
		if slices.Contains(policy.Approvers, string(agent)) {
			found = append(found, Problem(string(agent)+" is listed as an approver, and its token belongs to an agent, which never decides",
				"Take it out of policy.approvers (SCANWARDEN_APPROVERS), or out of http.agent_tokens (SCANWARDEN_HTTP_AGENT_TOKENS) if a person holds the token."))
		}
	}
	return found
}

// unusableReason returns why no caller can have the principal. It reports false if a caller can.
func (c *Config) unusableReason(principal string) (f Finding, is bool) {
	form, name, _ := strings.Cut(principal, ":")
	whole, part, _ := strings.Cut(name, "/")
	switch {
	case form == "entra" && (!auth.IsGUID(whole) || !auth.IsGUID(part)):
		return Problem(principal+" matches no caller: Entra ID identifies a user by two GUIDs",
			"Write entra:TENANT/OBJECT, with the tenant id and the object id from the user's page in Entra ID."), true
	case form == "entra" && auth.IsGUID(c.Azure.Tenant) && !strings.EqualFold(whole, c.Azure.Tenant):
		return Problem(principal+" matches no caller: it is of another tenant than AZURE_TENANT_ID, and only callers of that tenant are accepted",
			"Correct the tenant id of one of the two."), true
	case form == "slack" && (whole[0] != 'T' || part[0] != 'U' && part[0] != 'W'):
		return Problem(principal+" matches no Slack user: a workspace id begins with T, and a member id with U or W",
			"Copy the member id from the person's profile in Slack; on Enterprise Grid, too, the team is the workspace's."), true
	case form == "token" && !c.hasToken(name):
		return Note(principal+" matches no caller: no token of this name is configured", "Correct its name, or add it to http.tokens."), true
	}
	return Finding{}, false
}
