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

// unreachable finds approvers who can never be asked, and operations that need more people than there are.
func (p *patient) unreachable(policy confirm.Policy) []finding {
	var out []finding
	channels := p.cfg.channels()
	slackish := func(approver string) bool { return strings.HasPrefix(approver, "slack") }
	if slices.Contains(channels, confirm.Slack) && !slices.ContainsFunc(policy.Approvers, slackish) && len(policy.People) == 0 && !p.cfg.Slack.LinkAccounts {
		out = append(out, badly("changes are put to people in Slack, and no approver is a person or group of Slack's",
			"Add slack:TEAM/USER or slack-group:ID to policy.approvers (SCANWARDEN_APPROVERS)."))
	}
	for _, operation := range slices.Sorted(maps.Keys(policy.Required)) {
		if n := policy.Required[operation]; n > 1 && slices.Equal(channels, []confirm.Channel{confirm.Client}) {
			out = append(out, badly(fmt.Sprintf("%s needs %d people, and a client's own prompt asks only one", operation, n),
				"Configure Slack, or lower policy.approvals_required (SCANWARDEN_APPROVALS_REQUIRED)."))
		}
	}
	return out
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
