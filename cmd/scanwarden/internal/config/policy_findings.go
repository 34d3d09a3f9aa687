package config

import (
	"slices"
	"strings"

	"scanwarden/confirm"
)

// PolicyFindings is what can be told of the policy without asking anybody. A server warns of what is wrong with it
// when it starts.
func (c *Config) PolicyFindings() []Finding {
	if c.ReadOnly {
		return []Finding{Pass("read-only: nothing that changes Defender is offered")}
	}
	policy := c.ConfirmPolicy()
	alone := slices.Equal(c.Channels(), []confirm.Channel{confirm.Client})
	if len(policy.Approvers) == 0 && !alone {
		return []Finding{Problem("nobody is listed as an approver, so every change is refused", "List approvers in policy.approvers (SCANWARDEN_APPROVERS).")}
	}
	if len(policy.Approvers) == 0 {
		out := []Finding{Note("nobody is listed as an approver: only the local user of a stdio server can confirm, their own changes",
			"List approvers in policy.approvers (SCANWARDEN_APPROVERS) if others, or callers over HTTP or Slack, are to confirm.")}
		return slices.Concat(out, c.unusablePrincipals(), c.unsatisfiableQuorums(policy))
	}
	out := []Finding{Pass("%s, %s, changes wait %s", Plural(len(policy.Approvers), "approver"), Plural(len(policy.Rules), "rule"), c.Expires())}
	if alone {
		out = append(out, c.promptCannotApprove(policy)...)
	}
	return append(out, c.unreachableApprovers(policy)...)
}

// promptCannotApprove finds out that a client's own prompt, where it alone asks, asks nobody whose yes would count.
func (c *Config) promptCannotApprove(policy confirm.Policy) []Finding {
	if !policy.SelfApproval {
		return []Finding{Problem("changes are put to the requester's own client alone, and people may not confirm their own changes, so every change is refused",
			"Set policy.self_approval (SCANWARDEN_SELF_APPROVAL), or configure Slack, where others are asked.")}
	}
	for _, approver := range policy.Approvers {
		if c.canCall(approver) || slices.ContainsFunc(aliasesOf(policy.People, approver), c.canCall) {
			return nil
		}
	}
	return []Finding{Problem("changes are put to the requester's own client alone, and no approver comes in by one, so every change is refused",
		"List local:USER for a stdio server, a configured token:NAME, or people of Entra ID with http.auth entra; or configure Slack.")}
}

// canCall reports whether somebody can call by this principal, or by one of this group.
func (c *Config) canCall(approver string) bool {
	kind, name, _ := strings.Cut(approver, ":")
	switch kind {
	case "token":
		return c.hasToken(name)
	case "entra", "entra-role":
		return c.AllowsAuth("entra")
	}
	return kind == "local"
}

// aliasesOf are the principals of the person whom the configuration knows by this one.
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

// unreachableApprovers finds approvers who can never be asked, and more people needed than there are.
func (c *Config) unreachableApprovers(policy confirm.Policy) []Finding {
	var out []Finding
	inSlack := slices.Contains(c.Channels(), confirm.Slack)
	slackish := func(approver string) bool { return strings.HasPrefix(approver, "slack") }
	if inSlack && !slices.ContainsFunc(policy.Approvers, slackish) && len(policy.People) == 0 && !c.Slack.LinkAccounts {
		out = append(out, Problem("changes are put to people in Slack, and no approver is a person or group of Slack's",
			"Add slack:TEAM/USER or slack-group:ID to policy.approvers (SCANWARDEN_APPROVERS)."))
	}
	out = append(out, c.unusablePrincipals()...)
	if inSlack {
		out = append(out, unlinkedApprovers(policy)...)
	}
	return append(out, c.unsatisfiableQuorums(policy)...)
}

// unlinkedApprovers reminds of approvers in Slack who may ask elsewhere, too, without anybody knowing that it is them.
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
	return []Finding{Note(strings.Join(strangers, ", ")+" may confirm in Slack, and people does not say who that is elsewhere: who asks through an assistant, and is the same person, could confirm it",
		"Join every approver under people, or let them join themselves (SCANWARDEN_SLACK_LINK_ACCOUNTS), and keep those who ask and those who confirm apart.")}
}

// isLinked reports whether the configuration knows a person by this principal and another one, of another kind.
func isLinked(people []confirm.Person, who confirm.Principal) bool {
	return slices.ContainsFunc(aliasesOf(people, string(who)), func(other string) bool { return !strings.HasPrefix(other, "slack:") })
}
