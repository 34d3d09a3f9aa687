package config

import (
	"maps"
	"slices"
	"strings"

	"scanwarden/confirm"
)

// reachableApprovers returns the approvers that can be asked about another caller's change without Slack: after a
// sign-in to the pages of serve, or in a terminal. It leaves out the requester's own client and the page of stdio. With
// self-approval it includes approvers who are the only callers.
func (c *Config) reachableApprovers(policy confirm.Policy) (reachable []string) {
	asked := slices.Concat(c.Channels(), c.FallbackChannels())
	for _, approver := range policy.Approvers {
		aliases := append(aliasesOf(policy.People, approver), approver)
		onPage := slices.Contains(asked, confirm.WebPage) && slices.ContainsFunc(aliases, c.canSignIn)
		if onPage && (policy.SelfApproval || c.hasCallerExcept(aliases)) || c.canReview(aliases) {
			reachable = append(reachable, approver)
		}
	}
	return reachable
}

// canSignIn reports whether an approver with this principal or group can sign in to the pages of serve.
func (c *Config) canSignIn(approver string) bool {
	kind, _, _ := strings.Cut(approver, ":")
	switch kind {
	case "token":
		return c.canCall(approver)
	case "entra", "entra-role":
		return c.EntraSignsIn()
	}
	return false
}

// canReview reports whether a person with these principals can confirm another caller's change in a terminal. As a
// fallback only stdio has the terminal, and only PostgreSQL shares its ledger with other users.
func (c *Config) canReview(aliases []string) bool {
	if !slices.ContainsFunc(aliases, func(a string) bool { return strings.HasPrefix(a, "local:") }) {
		return false
	}
	fallback := slices.Contains(c.FallbackChannels(), confirm.Terminal) && strings.HasPrefix(c.DatabaseURL, "postgres")
	return fallback || slices.Contains(c.Channels(), confirm.Terminal)
}

// hasCallerExcept reports whether HTTP callers other than the person with these principals may exist. Agents count:
// they propose.
func (c *Config) hasCallerExcept(aliases []string) bool {
	tokens := slices.Collect(maps.Keys(c.HTTP.Tokens))
	if !c.HTTP.Token.Empty() {
		tokens = append(tokens, "default")
	}
	return c.AllowsAuth("entra") || c.AllowsAuth("none") || slices.ContainsFunc(tokens, func(name string) bool {
		return !slices.Contains(aliases, "token:"+name)
	})
}

// quorumApprovers returns the listed approvers who could confirm one change together. Without Slack these are the
// reachable ones, and with self-approval one requester.
func (c *Config) quorumApprovers(policy confirm.Policy) []string {
	if !c.asksRequesterAlone() {
		return policy.Approvers
	}
	reachable := c.reachableApprovers(policy)
	if !policy.SelfApproval {
		return reachable
	}
	for _, approver := range policy.Approvers {
		if !slices.Contains(reachable, approver) && slices.ContainsFunc(append(aliasesOf(policy.People, approver), approver), c.canCall) {
			return append(reachable, approver)
		}
	}
	return reachable
}
