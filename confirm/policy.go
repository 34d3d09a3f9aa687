package confirm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Policy defines the requesters, the approvers, how many of them must approve, and how large a change may be. With the
// zero value no change can be approved, except that the local user confirms their own on their own stdio server.
type Policy struct {
	// Approvers lists principals, or groups that an interface has verified ("slack-group:ID", "entra-role:NAME").
	// An empty list allows no approver, except that a user on their own stdio server confirms their own changes.
	Approvers           []string
	SelfApproval        bool           // whether a listed approver may approve their own changes
	Required            map[string]int // distinct approvals by operation; absent means 1
	Expires             time.Duration  // 0 means 15 minutes
	MaxScansPerDelete   int            // 0 means 50
	MaxAddressesPerScan int            // 0 means 4096
	MaxOpenPerRequester int            // 0 means 20; protects approvers from floods of requests
	People              []Person
	// Requesters lists the principals and groups that may propose. An empty list allows every authenticated caller,
	// except that one with an Entra principal needs the role Scans.Requester.
	Requesters []string
	Rules      []Rule
	// Agents lists principals that no person holds, such as an agent's bearer token. They may propose, and never decide.
	Agents []Principal
}

// ScansPerDelete returns how many scans one delete_scans may remove.
func (p Policy) ScansPerDelete() int { return orDefault(p.MaxScansPerDelete, 50) }

// AddressesPerScan returns how many addresses one scan may target.
func (p Policy) AddressesPerScan() int { return orDefault(p.MaxAddressesPerScan, 4096) }

// maxOpen returns how many pending changes one requester may have.
func (p Policy) maxOpen() int { return orDefault(p.MaxOpenPerRequester, 20) }

// required returns how many people must approve the operation before rules are applied.
func (p Policy) required(operation string) int { return orDefault(p.Required[operation], 1) }

// expires returns how long a change stays pending.
func (p Policy) expires() time.Duration {
	if p.Expires <= 0 {
		return 15 * time.Minute
	}
	return p.Expires
}

func orDefault(n, fallback int) int {
	if n <= 0 {
		return fallback
	}
	return n
}

// Check returns all contradictions and malformed entries of the policy, joined into one error.
func (p Policy) Check() error {
	return errors.Join(
		p.checkPeople(), checkEntries("approvers", p.Approvers), checkEntries("requesters", p.Requesters), p.checkRules())
}

// checkPeople returns an error if two persons have the same principal.
func (p Policy) checkPeople() error {
	owner := map[Principal]string{}
	for _, person := range p.People {
		for _, principal := range person.Principals {
			if other, taken := owner[principal]; taken {
				return fmt.Errorf("people: %q belongs to both %q and %q; list it once", principal, other, person.Name)
			}
			owner[principal] = person.Name
		}
	}
	return nil
}

// checkEntries checks the form of a list of principals and groups.
func checkEntries(list string, entries []string) error {
	for _, entry := range entries {
		if kind, rest, ok := strings.Cut(entry, ":"); !ok || kind == "" || rest == "" {
			return fmt.Errorf("%s: %q is not KIND:NAME, such as token:ada or slack:TEAM/USER", list, entry)
		}
	}
	return nil
}

// MaxApprovals bounds how many people a change can need, with or without a rule.
const MaxApprovals = 10

// checkRules returns the first mistake in the rules.
func (p Policy) checkRules() error {
	var names []string
	for i, r := range p.Rules {
		switch {
		case r.Name == "":
			return fmt.Errorf("rules: rule %d has no name; give it one that people will recognize", i+1)
		case slices.Contains(names, r.Name):
			return fmt.Errorf("rules: two rules are called %q; name each one differently", r.Name)
		case r.Holds == nil:
			return fmt.Errorf("rules: %q has no condition; say when it holds", r.Name)
		case r.Refuse != "" && r.Approvals != 0:
			return fmt.Errorf("rules: %q both asks for people and refuses; keep one of approvals and refuse", r.Name)
		case r.Refuse != "" && r.AuthContext != "":
			return fmt.Errorf("rules: %q both asks for a sign-in and refuses; keep one of authentication_context and refuse", r.Name)
		case r.AuthContext != "" && !IsAuthContext(r.AuthContext):
			return fmt.Errorf("rules: authentication_context of %q is %q; write c1 to c99, as in Microsoft Entra", r.Name, r.AuthContext)
		case r.AuthContext != "" && r.Approvals == 0:
		case r.Refuse == "" && (r.Approvals < 1 || r.Approvals > MaxApprovals):
			return fmt.Errorf("rules: approvals of %q is %d; give a number from 1 to %d, or refuse", r.Name, r.Approvals, MaxApprovals)
		}
		names = append(names, r.Name)
	}
	return nil
}
