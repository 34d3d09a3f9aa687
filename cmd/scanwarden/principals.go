package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"scanwarden/tools/mcpserver/auth"
)

// principalPrefixes are the prefixes of identities; the last two name many people at once and are for approvers only.
var principalPrefixes = []string{"slack:", "entra:", "token:", "local:", "slack-group:", "entra-role:"}

func CheckPrincipal(principal string, forms []string) error {
	for _, form := range forms {
		rest, ok := strings.CutPrefix(principal, form)
		if !ok {
			continue
		}
		if rest == "" {
			return fmt.Errorf("%q names nobody; write a name after %s", principal, form)
		}
		return checkPrincipalName(principal, form, rest)
	}
	return fmt.Errorf("%q is not a principal; begin it with one of %s", principal, strings.Join(forms, ", "))
}

func (c *Config) checkPeople() error {
	for i, person := range c.People {
		if person.Name == "" || len(person.Principals) == 0 {
			return c.OriginOf("people", i).Errorf("each person needs a name and principals; write {name: Ada, principals: [token:ada]}")
		}
		for j, principal := range person.Principals {
			if err := CheckPrincipal(principal, principalPrefixes[:4]); err != nil {
				return c.OriginOf("people", i, "principals", j).Errorf("%s: %w", person.Name, err)
			}
		}
	}
	if err := c.checkUniquePrincipals(); err != nil {
		return err
	}
	if err := c.checkUniqueEmails(); err != nil {
		return err
	}
	p := c.ConfirmPolicy()
	p.Approvers, p.Requesters = nil, nil // checked by themselves
	return p.Check()
}

// checkUniquePrincipals refuses a principal that is two people's. The policy refuses it, too, and does not know where it stands.
func (c *Config) checkUniquePrincipals() error {
	owner := map[string]string{}
	for i, person := range c.People {
		for j, principal := range canonicalCase(person.Principals) {
			if other, taken := owner[principal]; taken {
				return c.OriginOf("people", i, "principals", j).Errorf("%q belongs to both %q and %q; list it once", principal, other, person.Name)
			}
			owner[principal] = person.Name
		}
	}
	return nil
}

// checkUniqueEmails refuses e-mail addresses that would silently match nobody, while people are matched by them.
func (c *Config) checkUniqueEmails() error {
	if !c.Slack.MatchEmail {
		return nil
	}
	owner := map[string]string{}
	for i, person := range c.People {
		address := strings.ToLower(person.Email)
		if address == "" {
			continue
		}
		if other, taken := owner[address]; taken {
			return c.OriginOf("people", i, "email").Errorf("%s and %s have the same email, which then names nobody; correct one of them", other, person.Name)
		}
		owner[address] = person.Name
		if !slices.ContainsFunc(person.Principals, func(p string) bool { return strings.HasPrefix(p, "entra:") || strings.HasPrefix(p, "slack:") }) {
			return c.OriginOf("people", i, "email").Errorf("%s has an email, which joins a Slack account with an entra: principal, and none is listed; add it, or list the slack: principal", person.Name)
		}
	}
	return nil
}

// checkPrincipalName refuses what could never be anybody's principal: a person who is joined with it would stay two people.
func checkPrincipalName(principal, form, name string) error {
	whole, part, both := strings.Cut(name, "/")
	switch {
	case strings.ContainsFunc(name, unicode.IsSpace):
		return fmt.Errorf("%q has a blank in it; take it out", principal)
	case (form == "slack:" || form == "entra:") && (!both || whole == "" || part == "" || strings.Contains(part, "/")):
		return fmt.Errorf("%q names nobody; write slack:TEAM/USER or entra:TENANT/OBJECT, with the ids", principal)
	case form == "slack:" && name != strings.ToUpper(name):
		return fmt.Errorf("%q names nobody; Slack's ids are in capitals, such as slack:T024BE7LD/U024BE7LH", principal)
	}
	return nil
}

// canonicalCase writes the GUIDs of Entra ID as tokens have them, so that it does not matter how a person wrote them.
func canonicalCase(principals []string) []string {
	out := slices.Clone(principals)
	for i, principal := range out {
		if strings.HasPrefix(principal, "entra:") {
			out[i] = strings.ToLower(principal)
		}
	}
	return out
}

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
