package config

import (
	"slices"
	"strings"

	"scanwarden/tools/mcpserver/auth"
)

// unusablePrincipals finds the principals of the configuration that are well-formed and yet nobody's here. Whoever is joined
// with one stays two people, who could confirm what they asked for: a server says so when it starts, and the doctor.
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
	return found
}

// unusableReason says why a principal cannot be anybody's here.
func (c *Config) unusableReason(principal string) (f Finding, is bool) {
	form, name, _ := strings.Cut(principal, ":")
	whole, part, _ := strings.Cut(name, "/")
	switch {
	case form == "entra" && (!auth.IsGUID(whole) || !auth.IsGUID(part)):
		return Problem(principal+" is nobody's principal: people of Entra ID are known by two GUIDs",
			"Write entra:TENANT/OBJECT, with the tenant id and the object id from the user's page in Entra ID."), true
	case form == "entra" && auth.IsGUID(c.Azure.Tenant) && !strings.EqualFold(whole, c.Azure.Tenant):
		return Problem(principal+" is nobody's principal here: it is of another tenant than AZURE_TENANT_ID, and only callers of that one are let in",
			"Correct the tenant id of one of the two."), true
	case form == "slack" && (whole[0] != 'T' || part[0] != 'U' && part[0] != 'W'):
		return Problem(principal+" is nobody's principal: a workspace's id begins with T, and a member's with U or W",
			"Copy the member id from the person's profile in Slack; on Enterprise Grid, too, the team is the workspace's."), true
	case form == "token" && !c.hasToken(name):
		return Note(principal+" is nobody's principal: no such token is configured", "Correct its name, or add it to http.tokens."), true
	}
	return Finding{}, false
}
