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
func lookAtPolicy(_ context.Context, p *patient) []finding { return p.cfg.policyFindings() }

// policyFindings is what can be told of the policy without asking anybody. A server warns of what is wrong with it
// when it starts.
func (c *config) policyFindings() []finding {
	if c.ReadOnly {
		return []finding{ok("read-only: nothing that changes Defender is offered")}
	}
	policy := c.policy()
	alone := slices.Equal(c.channels(), []confirm.Channel{confirm.Client})
	if len(policy.Approvers) == 0 && !alone {
		return []finding{badly("nobody is listed as an approver, so every change is refused", "List approvers in policy.approvers (SCANWARDEN_APPROVERS).")}
	}
	if len(policy.Approvers) == 0 {
		out := []finding{noted("nobody is listed as an approver: only the local user of a stdio server can confirm, their own changes",
			"List approvers in policy.approvers (SCANWARDEN_APPROVERS) if others, or callers over HTTP or Slack, are to confirm.")}
		return slices.Concat(out, c.nobodies(), c.tooMany(policy))
	}
	out := []finding{ok("%s, %s, changes wait %s", numbered(len(policy.Approvers), "approver"), numbered(len(policy.Rules), "rule"), c.expires())}
	if alone {
		out = append(out, c.unanswerable(policy)...)
	}
	return append(out, c.unreachable(policy)...)
}

// unanswerable finds out that a client's own prompt, where it alone asks, asks nobody whose yes would count.
func (c *config) unanswerable(policy confirm.Policy) []finding {
	if !policy.SelfApproval {
		return []finding{badly("changes are put to the requester's own client alone, and people may not confirm their own changes, so every change is refused",
			"Set policy.self_approval (SCANWARDEN_SELF_APPROVAL), or configure Slack, where others are asked.")}
	}
	for _, approver := range policy.Approvers {
		if c.comesIn(approver) || slices.ContainsFunc(alsoKnown(policy.People, approver), c.comesIn) {
			return nil
		}
	}
	return []finding{badly("changes are put to the requester's own client alone, and no approver comes in by one, so every change is refused",
		"List local:USER for a stdio server, a configured token:NAME, or people of Entra ID with http.auth entra; or configure Slack.")}
}

// comesIn reports whether somebody can call by this principal, or by one of this group.
func (c *config) comesIn(approver string) bool {
	kind, name, _ := strings.Cut(approver, ":")
	switch kind {
	case "token":
		return c.hasToken(name)
	case "entra", "entra-role":
		return c.admits("entra")
	}
	return kind == "local"
}

// alsoKnown are the principals of the person whom the configuration knows by this one.
func alsoKnown(people []confirm.Person, principal string) (others []string) {
	for _, person := range people {
		if slices.Contains(person.Principals, confirm.Principal(principal)) {
			for _, other := range person.Principals {
				others = append(others, string(other))
			}
		}
	}
	return others
}

// unreachable finds approvers who can never be asked, and more people needed than there are.
func (c *config) unreachable(policy confirm.Policy) []finding {
	var out []finding
	inSlack := slices.Contains(c.channels(), confirm.Slack)
	slackish := func(approver string) bool { return strings.HasPrefix(approver, "slack") }
	if inSlack && !slices.ContainsFunc(policy.Approvers, slackish) && len(policy.People) == 0 && !c.Slack.LinkAccounts {
		out = append(out, badly("changes are put to people in Slack, and no approver is a person or group of Slack's",
			"Add slack:TEAM/USER or slack-group:ID to policy.approvers (SCANWARDEN_APPROVERS)."))
	}
	out = append(out, c.nobodies()...)
	if inSlack {
		out = append(out, unjoined(policy)...)
	}
	return append(out, c.tooMany(policy)...)
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
	return slices.ContainsFunc(alsoKnown(people, string(who)), func(other string) bool { return !strings.HasPrefix(other, "slack:") })
}

// tooMany finds what asks for more people than could ever say yes.
func (c *config) tooMany(policy confirm.Policy) []finding {
	asks := maps.Clone(policy.Required)
	if asks == nil {
		asks = map[string]int{}
	}
	for _, rule := range policy.Rules {
		asks[fmt.Sprintf("the rule %q", rule.Name)] = rule.Approvals
	}
	grouped := slices.ContainsFunc(policy.Approvers, func(a string) bool {
		return strings.HasPrefix(a, "slack-group:") || strings.HasPrefix(a, "entra-role:")
	})
	alone, listed := slices.Equal(c.channels(), []confirm.Channel{confirm.Client}), distinct(policy)
	var out []finding
	for _, who := range slices.Sorted(maps.Keys(asks)) {
		switch n := asks[who]; {
		case n > 1 && alone:
			out = append(out, badly(fmt.Sprintf("%s needs %d people, and a client's own prompt asks only one", who, n),
				"Configure Slack, or ask for fewer people."))
		case n > listed && !grouped && !alone:
			out = append(out, badly(fmt.Sprintf("%s needs %d people, and the approvers are %s", who, n, headcount(listed)),
				"List more in policy.approvers (SCANWARDEN_APPROVERS), or ask for fewer people."))
		}
	}
	return out
}

// distinct counts the people among the approvers: several principals of one person are one.
func distinct(policy confirm.Policy) int {
	people := map[string]bool{}
	for _, approver := range policy.Approvers {
		key := approver
		for i, person := range policy.People {
			if slices.Contains(person.Principals, confirm.Principal(approver)) {
				key = fmt.Sprint("person ", i)
			}
		}
		people[key] = true
	}
	return len(people)
}

func headcount(people int) string {
	if people == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", people)
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
