package config

import (
	"fmt"
	"slices"
	"strings"

	"scanwarden/confirm"
)

// unsatisfiableContexts returns a problem for each rule that requires an authentication context which no approver can have
// here.
func (c *Config) unsatisfiableContexts(policy confirm.Policy) (out []Finding) {
	entra := func(principal string) bool { return strings.HasPrefix(principal, "entra") }
	signIn := slices.ContainsFunc(policy.Approvers, func(approver string) bool {
		return entra(approver) || slices.ContainsFunc(aliasesOf(policy.People, approver), entra)
	})
	for _, rule := range policy.Rules {
		if rule.AuthContext == "" {
			continue
		}
		asks := fmt.Sprintf("the rule %q asks for a Microsoft sign-in with the authentication context %s", rule.Name, rule.AuthContext)
		switch {
		case !c.EntraSignsIn():
			out = append(out, Problem(asks+", and no page has a Microsoft sign-in, so every change to which it applies is refused",
				"Run serve with http.public_url (SCANWARDEN_PUBLIC_URL), a credential of the app registration, and an approver that is entra:TENANT/OBJECT or entra-role:NAME; or remove authentication_context."))
		case !signIn && !c.Slack.LinkAccounts:
			out = append(out, Problem(asks+", and no approver has an Entra account, so every change to which it applies is refused",
				"Add entra:TENANT/OBJECT or entra-role:NAME to policy.approvers (SCANWARDEN_APPROVERS)."))
		}
	}
	return out
}
