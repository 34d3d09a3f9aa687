package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// lookAtPolicy says who may ask, who may confirm, and what nobody could ever confirm.
func lookAtPolicy(_ context.Context, p *patient) []finding {
	if p.cfg.ReadOnly {
		return []finding{ok("read-only: nothing that changes Defender is offered")}
	}
	policy := p.cfg.policy()
	if len(policy.Approvers) == 0 && !slices.Contains(p.cfg.channels(), confirm.Client) {
		return []finding{badly("nobody is listed as an approver, so every change is refused", "List approvers in policy.approvers (SCANWARDEN_APPROVERS).")}
	}
	if len(policy.Approvers) == 0 {
		return []finding{noted("nobody is listed as an approver: only the local user of a stdio server can confirm, their own changes",
			"List approvers in policy.approvers (SCANWARDEN_APPROVERS) if others, or callers over HTTP or Slack, are to confirm.")}
	}
	out := []finding{ok("%s, %s, changes wait %s", numbered(len(policy.Approvers), "approver"), numbered(len(policy.Rules), "rule"), p.cfg.expires())}
	return append(out, p.unreachable(policy)...)
}

// unreachable finds approvers who can never be asked, and more people needed than there are.
func (p *patient) unreachable(policy confirm.Policy) []finding {
	var out []finding
	inSlack := slices.Contains(p.cfg.channels(), confirm.Slack)
	slackish := func(approver string) bool { return strings.HasPrefix(approver, "slack") }
	if inSlack && !slices.ContainsFunc(policy.Approvers, slackish) && len(policy.People) == 0 && !p.cfg.Slack.LinkAccounts {
		out = append(out, badly("changes are put to people in Slack, and no approver is a person or group of Slack's",
			"Add slack:TEAM/USER or slack-group:ID to policy.approvers (SCANWARDEN_APPROVERS)."))
	}
	out = append(out, p.cfg.nobodies()...)
	if inSlack {
		out = append(out, unjoined(policy)...)
	}
	return append(out, p.tooMany(policy)...)
}

// unjoined reminds of approvers in Slack who may ask elsewhere, too, without anybody knowing that it is them.
func unjoined(policy confirm.Policy) []finding {
	slackish := func(who string) bool { return strings.HasPrefix(who, "slack") }
	onlySlackAsks := len(policy.Requesters) > 0 && !slices.ContainsFunc(policy.Requesters, func(r string) bool { return !slackish(r) })
	if policy.SelfApproval || onlySlackAsks {
		return nil
	}
	var strangers []string
	for _, approver := range policy.Approvers {
		if slackish(approver) && !joined(policy.People, confirm.Principal(approver)) {
			strangers = append(strangers, approver)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	return []finding{noted(strings.Join(strangers, ", ")+" may confirm in Slack, and people does not say who that is elsewhere: who asks through an assistant, and is the same person, could confirm it",
		"Join every approver under people, or let them join themselves (SCANWARDEN_SLACK_LINK_ACCOUNTS), and keep those who ask and those who confirm apart.")}
}

// joined reports whether the configuration knows a person by this principal and another one, of another kind.
func joined(people []confirm.Person, who confirm.Principal) bool {
	return slices.ContainsFunc(people, func(p confirm.Person) bool {
		return slices.Contains(p.Principals, who) &&
			slices.ContainsFunc(p.Principals, func(other confirm.Principal) bool { return !strings.HasPrefix(string(other), "slack:") })
	})
}

// tooMany finds what asks for more people than could ever say yes.
func (p *patient) tooMany(policy confirm.Policy) []finding {
	asks := map[string]int{}
	for operation, n := range policy.Required {
		asks[operation] = n
	}
	for _, rule := range policy.Rules {
		asks[fmt.Sprintf("the rule %q", rule.Name)] = rule.Approvals
	}
	grouped := slices.ContainsFunc(policy.Approvers, func(a string) bool {
		return strings.HasPrefix(a, "slack-group:") || strings.HasPrefix(a, "entra-role:")
	})
	var out []finding
	for _, who := range slices.Sorted(maps.Keys(asks)) {
		switch n := asks[who]; {
		case n > 1 && slices.Equal(p.cfg.channels(), []confirm.Channel{confirm.Client}):
			out = append(out, badly(fmt.Sprintf("%s needs %d people, and a client's own prompt asks only one", who, n),
				"Configure Slack, or ask for fewer people."))
		case n > len(policy.Approvers) && !grouped:
			out = append(out, badly(fmt.Sprintf("%s needs %d people, and there are %d approvers", who, n, len(policy.Approvers)),
				"List more in policy.approvers (SCANWARDEN_APPROVERS), or ask for fewer people."))
		}
	}
	return out
}

func (c *config) hasToken(name string) bool {
	_, named := c.HTTP.Tokens[name]
	return named || name == "default" && !c.HTTP.Token.Empty()
}

// lookAtCredentials sees whether each part of each named credential is there, reading no value where the place can
// tell without.
func lookAtCredentials(ctx context.Context, p *patient) []finding {
	named := p.cfg.credentials(p.source())
	if len(named) == 0 {
		return []finding{ok("no named credentials")}
	}
	var out []finding
	for _, name := range slices.Sorted(maps.Keys(named)) {
		tools.Progress(ctx, "looking for the parts of "+name)
		if err := named[name].Exists(ctx, name); err != nil {
			out = append(out, badly(err.Error(), "Mend it before a change is confirmed that uses it: the change would fail."))
			continue
		}
		out = append(out, ok("%s: every part is where the configuration says", name))
	}
	return out
}
