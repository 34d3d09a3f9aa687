package config

import (
	"time"

	"scanwarden/confirm"
)

// ConfirmPolicy returns the policy for the Gate and the Service.
func (c *Config) ConfirmPolicy() confirm.Policy {
	p := confirm.Policy{
		Approvers: canonicalCase(c.Policy.Approvers), Requesters: canonicalCase(c.Policy.Requesters), Rules: c.rules,
		SelfApproval: c.Policy.SelfApproval, Required: c.Policy.ApprovalsRequired, Expires: c.Expires(),
		MaxScansPerDelete: valueOrZero(c.Policy.MaxScansPerDelete), MaxAddressesPerScan: valueOrZero(c.Policy.MaxAddressesPerScan),
		MaxOpenPerRequester: valueOrZero(c.Policy.MaxOpenChanges), Agents: c.agents(),
	}
	for _, person := range c.People {
		known := confirm.Person{Name: person.Name, Email: person.Email}
		for _, principal := range canonicalCase(person.Principals) {
			known.Principals = append(known.Principals, confirm.Principal(principal))
		}
		p.People = append(p.People, known)
	}
	return p
}

// Expires returns how long a change waits for its approvers.
func (c *Config) Expires() time.Duration {
	if c.Policy.Expires == nil {
		return 15 * time.Minute
	}
	return *c.Policy.Expires
}

// valueOrZero returns what p points to, or the zero value if p is nil.
func valueOrZero[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}
