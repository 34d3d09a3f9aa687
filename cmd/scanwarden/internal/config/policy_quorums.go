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
	grouped := slices.ContainsFunc(policy.Approvers, func(a string) bool {
		return strings.HasPrefix(a, "slack-group:") || strings.HasPrefix(a, "entra-role:")
	})
	alone, listed := c.asksClientAlone(), countApprovers(policy)
	var out []Finding
	for _, who := range slices.Sorted(maps.Keys(asks)) {
		switch n := asks[who]; {
		case n > 1 && alone:
			out = append(out, Problem(fmt.Sprintf("%s needs %d people, and a client's own prompt asks only one", who, n),
				"Configure Slack, or require fewer people."))
		case n > listed && !grouped && !alone:
			out = append(out, Problem(fmt.Sprintf("%s needs %d people, and the approvers are %s", who, n, CountPeople(listed)),
				"List more in policy.approvers (SCANWARDEN_APPROVERS), or require fewer people."))
		}
	}
	return out
}

// countApprovers returns the number of people among the approvers. Several principals of one person count once.
func countApprovers(policy confirm.Policy) int {
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
