package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// principalPrefixes lists the prefixes of principals. The last two name groups, which only approvers and requesters may
// be.
var principalPrefixes = []string{"slack:", "entra:", "token:", "local:", "slack-group:", "entra-role:"}

// CheckPrincipal returns an error if a principal has none of the prefixes or is malformed.
func CheckPrincipal(principal string, forms []string) error {
	for _, form := range forms {
		rest, ok := strings.CutPrefix(principal, form)
		if !ok {
			continue
		}
		if rest == "" {
			return fmt.Errorf("%q has no name; write one after %s", principal, form)
		}
		return checkPrincipalName(principal, form, rest)
	}
	return fmt.Errorf("%q is not a principal; begin it with one of %s", principal, strings.Join(forms, ", "))
}

// checkPeople returns an error if people lack names or principals, share a principal, or share an e-mail address.
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
	p.Approvers, p.Requesters = nil, nil // checkApprovers checks them
	return p.Check()
}

// checkUniquePrincipals returns an error for a principal of two people. The policy refuses it too, without knowing its
// line.
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

// checkUniqueEmails returns an error for e-mail addresses that would match no Slack user, if users are matched by
// address.
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
			return c.OriginOf("people", i, "email").Errorf("%s and %s have the same email, which then matches neither; correct one of them", other, person.Name)
		}
		owner[address] = person.Name
		if !slices.ContainsFunc(person.Principals, func(p string) bool { return strings.HasPrefix(p, "entra:") || strings.HasPrefix(p, "slack:") }) {
			return c.OriginOf("people", i, "email").Errorf("%s has an email, which joins a Slack account with an entra: principal, and none is listed; add it, or list the slack: principal", person.Name)
		}
	}
	return nil
}

// checkPrincipalName returns an error for a principal that no caller can have. A person listed with it would
// count as two.
func checkPrincipalName(principal, form, name string) error {
	whole, part, both := strings.Cut(name, "/")
	switch {
	case strings.ContainsFunc(name, unicode.IsSpace):
		return fmt.Errorf("%q has a blank in it; take it out", principal)
	case (form == "slack:" || form == "entra:") && (!both || whole == "" || part == "" || strings.Contains(part, "/")):
		return fmt.Errorf("%q is incomplete; write slack:TEAM/USER or entra:TENANT/OBJECT, with the ids", principal)
	case form == "slack:" && name != strings.ToUpper(name):
		return fmt.Errorf("%q is not in capitals; Slack's ids are, such as slack:T024BE7LD/U024BE7LH", principal)
	}
	return nil
}

// canonicalCase returns the principals with the GUIDs of Entra ID in lower case, as they are in tokens.
func canonicalCase(principals []string) []string {
	out := slices.Clone(principals)
	for i, principal := range out {
		if strings.HasPrefix(principal, "entra:") {
			out[i] = strings.ToLower(principal)
		}
	}
	return out
}
