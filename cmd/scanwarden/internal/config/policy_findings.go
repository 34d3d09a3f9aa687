package config

import (
	"slices"
	"strings"

	"scanwarden/confirm"
)

// PolicyFindings returns what is known about the policy without calling another system. A server logs the problems
// among them when it starts.
func (c *Config) PolicyFindings() []Finding {
	if c.ReadOnly {
		return []Finding{Pass("read-only: nothing that changes Defender is offered")}
	}
	policy := c.ConfirmPolicy()
	if len(policy.Approvers) == 0 && !c.asksRequesterAlone() {
		return []Finding{Problem("no approver is listed, so every change is refused", "List approvers in policy.approvers (SCANWARDEN_APPROVERS).")}
	}
	if len(policy.Approvers) == 0 {
		out := []Finding{Note("no approver is listed: only the local user of a stdio server can confirm, and only their own changes",
			"List approvers in policy.approvers (SCANWARDEN_APPROVERS) if other people, or callers over HTTP or Slack, should confirm.")}
		return slices.Concat(out, c.unusablePrincipals(), c.unsatisfiableQuorums(policy), c.unsatisfiableContexts(policy))
	}
	out := []Finding{Pass("%s, %s, changes wait %s", Plural(len(policy.Approvers), "approver"), Plural(len(policy.Rules), "rule"), c.Expires())}
	if c.asksRequesterAlone() && len(c.reachableApprovers(policy)) == 0 {
		out = append(out, c.requesterCannotApprove(policy)...)
	}
	return slices.Concat(out, c.unreachableApprovers(policy), c.unsatisfiableContexts(policy))
}

// requesterCannotApprove returns a problem if no answer by a requester could count, who alone can be asked.
func (c *Config) requesterCannotApprove(policy confirm.Policy) []Finding {
	if !policy.SelfApproval {
		next := "Set policy.self_approval (SCANWARDEN_SELF_APPROVAL); or configure Slack; or list approvers who sign in to the pages of serve and are not the only callers"
		if len(c.ConfirmWith) > 0 && !slices.Contains(c.ConfirmWith, string(confirm.WebPage)) {
			next += ", and add page to confirm_with (SCANWARDEN_CONFIRM_WITH)"
		}
		return []Finding{Problem("only the requester can be asked, and requesters must not confirm their own changes, so every change is refused", next+".")}
	}
	for _, approver := range policy.Approvers {
		if c.canCall(approver) || slices.ContainsFunc(aliasesOf(policy.People, approver), c.canCall) {
			return nil
		}
	}
	return []Finding{Problem("only the requester can be asked, and no approver can be a requester, so every change is refused",
		"List local:USER for a stdio server, a configured token:NAME, or people of Entra ID with http.auth entra; or configure Slack.")}
}

// canCall reports whether a caller over stdio or HTTP can have this principal, or be a member of this group.
func (c *Config) canCall(approver string) bool {
	kind, name, _ := strings.Cut(approver, ":")
	switch kind {
	case "token":
		return c.hasToken(name) && !slices.Contains(c.HTTP.AgentTokens, name)
	case "entra", "entra-role":
		return c.AllowsAuth("entra")
	}
	return kind == "local"
}

// aliasesOf returns all principals of the person with this one.
func aliasesOf(people []confirm.Person, principal string) (others []string) {
	for _, person := range people {
		if slices.Contains(person.Principals, confirm.Principal(principal)) {
			for _, other := range person.Principals {
				others = append(others, string(other))
			}
		}
	}
	return others
}

// unreachableApprovers returns findings about approvers that can never be asked, and about quorums that cannot be met.
func (c *Config) unreachableApprovers(policy confirm.Policy) []Finding {
	var out []Finding
	inSlack := slices.Contains(c.Channels(), confirm.Slack)
	slackish := func(approver string) bool { return strings.HasPrefix(approver, "slack") }
	if inSlack && !slices.ContainsFunc(policy.Approvers, slackish) && len(policy.People) == 0 && !c.Slack.LinkAccounts {
		out = append(out, Problem("approvers are asked in Slack, and no approver is a Slack user or group",
			"Add slack:TEAM/USER or slack-group:ID to policy.approvers (SCANWARDEN_APPROVERS)."))
	}
	out = append(out, c.unusablePrincipals()...)
	if inSlack {
		out = append(out, unlinkedApprovers(policy)...)
	}
	return append(out, c.unsatisfiableQuorums(policy)...)
}

// unlinkedApprovers returns a note about approvers in Slack without known other identities. They could propose a
// change elsewhere and confirm it themselves.
func unlinkedApprovers(policy confirm.Policy) []Finding {
	slackish := func(who string) bool { return strings.HasPrefix(who, "slack") }
	onlySlackAsks := len(policy.Requesters) > 0 && !slices.ContainsFunc(policy.Requesters, func(r string) bool { return !slackish(r) })
	if policy.SelfApproval || onlySlackAsks {
		return nil
	}
	var strangers []string
	for _, approver := range policy.Approvers {
		if slackish(approver) && !isLinked(policy.People, confirm.Principal(approver)) {
			strangers = append(strangers, approver)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	return []Finding{Note(strings.Join(strangers, ", ")+" may confirm in Slack, and people lists no other identity for them: such an approver could propose a change through an assistant and confirm it in Slack",
		"List every identity of each approver under people, or let approvers link them (SCANWARDEN_SLACK_LINK_ACCOUNTS), and keep requesters and approvers apart.")}
}

// isLinked reports whether the person with this principal also has one that is not of Slack.
func isLinked(people []confirm.Person, who confirm.Principal) bool {
	return slices.ContainsFunc(aliasesOf(people, string(who)), func(other string) bool { return !strings.HasPrefix(other, "slack:") })
}
