package config

import (
	"time"

	"scanwarden/confirm"
)

// ConfirmPolicy is the policy as the gate and the desk take it.
func (c *Config) ConfirmPolicy() confirm.Policy {
	p := confirm.Policy{
		Approvers: canonicalCase(c.Policy.Approvers), Requesters: canonicalCase(c.Policy.Requesters), Rules: c.rules,
		SelfApproval: c.Policy.SelfApproval, Required: c.Policy.ApprovalsRequired, Expires: c.Expires(),
		MaxScansPerDelete: valueOrZero(c.Policy.MaxScansPerDelete), MaxAddressesPerScan: valueOrZero(c.Policy.MaxAddressesPerScan),
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

// Expires is how long a change waits for its person.
func (c *Config) Expires() time.Duration {
	if c.Policy.Expires == nil {
		return 15 * time.Minute
	}
	return *c.Policy.Expires
}

func valueOrZero[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}
