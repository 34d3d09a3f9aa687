package main

import (
	"time"

	"scanwarden/confirm"
)

// policy is the policy as the gate and the desk take it.
func (c *config) policy() confirm.Policy {
	p := confirm.Policy{
		Approvers: sameCase(c.Policy.Approvers), Requesters: sameCase(c.Policy.Requesters), Rules: c.rules,
		SelfApproval: c.Policy.SelfApproval, Required: c.Policy.ApprovalsRequired, Expires: c.expires(),
		MaxScansPerDelete: orZero(c.Policy.MaxScansPerDelete), MaxAddressesPerScan: orZero(c.Policy.MaxAddressesPerScan),
	}
	for _, person := range c.People {
		known := confirm.Person{Name: person.Name, Email: person.Email}
		for _, principal := range sameCase(person.Principals) {
			known.Principals = append(known.Principals, confirm.Principal(principal))
		}
		p.People = append(p.People, known)
	}
	return p
}

// expires is how long a change waits for its person.
func (c *config) expires() time.Duration {
	if c.Policy.Expires == nil {
		return 15 * time.Minute
	}
	return *c.Policy.Expires
}

func orZero[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}
