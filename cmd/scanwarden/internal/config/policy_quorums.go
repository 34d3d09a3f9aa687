package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scanwarden/confirm"
)

// unsatisfiableQuorums returns a problem for each operation or rule that requires more people than could confirm.
func (c *Config) unsatisfiableQuorums(policy confirm.Policy) []Finding {
	asks := maps.Clone(policy.Required)
	if asks == nil {
		asks = map[string]int{}
	}
	for _, rule := range policy.Rules {
		asks[fmt.Sprintf("the rule %q", rule.Name)] = rule.Approvals
	}
	able := c.quorumApprovers(policy)
	grouped := slices.ContainsFunc(able, func(a string) bool {
		return strings.HasPrefix(a, "slack-group:") || strings.HasPrefix(a, "entra-role:")
	})
	alone := c.asksRequesterAlone() && len(c.reachableApprovers(policy)) == 0
	people, listed := countApprovers(able, policy.People), countApprovers(policy.Approvers, policy.People)
	var out []Finding
	for _, who := range slices.Sorted(maps.Keys(asks)) {
		switch n := asks[who]; {
		case n > 1 && alone:
			out = append(out, Problem(fmt.Sprintf("%s needs %d people, and only the requester can be asked", who, n),
				"Configure Slack, list approvers who sign in to the pages of serve, or require fewer people."))
		case n > people && people < listed && !grouped:
			out = append(out, Problem(fmt.Sprintf("%s needs %d people, and of the approvers only %s can be asked", who, n, CountPeople(people)),
				"Configure Slack, list more approvers who sign in to the pages of serve, or require fewer people."))
		case n > people && !grouped:
			out = append(out, Problem(fmt.Sprintf("%s needs %d people, and the approvers are %s", who, n, CountPeople(listed)),
				"List more in policy.approvers (SCANWARDEN_APPROVERS), or require fewer people."))
		}
	}
	return out
}

// countApprovers returns the number of people among the approvers. Several principals of one person count once.
func countApprovers(approvers []string, joined []confirm.Person) int {
	people := map[string]bool{}
	for _, approver := range approvers {
		key := approver
		for i, person := range joined {
			if slices.Contains(person.Principals, confirm.Principal(approver)) {
				key = fmt.Sprint("person ", i)
			}
		}
		people[key] = true
	}
	return len(people)
}
