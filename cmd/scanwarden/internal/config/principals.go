package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
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
