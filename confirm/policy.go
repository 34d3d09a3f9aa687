package confirm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Policy says who may ask, who may decide, how many must, and how large a change may be. Its zero value lets
// nobody approve anything, except that the local user confirms their own changes on their own stdio server.
type Policy struct {
	// Approvers are principals, or groups that a face has verified ("slack-group:ID", "entra-role:NAME").
	// An empty list means nobody, but see Asker.Local.
	Approvers           []string
	SelfApproval        bool           // whether a listed approver may approve what they asked for themselves
	Required            map[string]int // distinct approvals by operation; absent means 1
	Expires             time.Duration  // 0 means 15 minutes
	MaxScansPerDelete   int            // 0 means 50
	MaxAddressesPerScan int            // 0 means 4096
	MaxOpenPerRequester int            // 0 means 20: nobody is buried under questions
	People              []Person
	// Requesters may propose; an empty list means whoever a face lets in, except that a caller with an Entra
	// principal needs the role Scans.Requester.
	Requesters []string
	Rules      []Rule
}

// ScansPerDelete is the largest number of scans one delete_scans may remove.
func (p Policy) ScansPerDelete() int { return orDefault(p.MaxScansPerDelete, 50) }

// AddressesPerScan is the largest number of addresses one scan may target.
func (p Policy) AddressesPerScan() int { return orDefault(p.MaxAddressesPerScan, 4096) }

func (p Policy) maxOpen() int { return orDefault(p.MaxOpenPerRequester, 20) }

func (p Policy) required(operation string) int { return orDefault(p.Required[operation], 1) }

func (p Policy) expires() time.Duration {
	if p.Expires <= 0 {
		return 15 * time.Minute
	}
	return p.Expires
}

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// Check says what contradicts itself in the policy, all at once.
func (p Policy) Check() error {
	return errors.Join(
		p.checkPeople(), checkEntries("approvers", p.Approvers), checkEntries("requesters", p.Requesters), p.checkRules())
}

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

// checkEntries holds a list of principals and groups against their form.
func checkEntries(list string, named []string) error {
	for _, one := range named {
		if kind, rest, ok := strings.Cut(one, ":"); !ok || kind == "" || rest == "" {
			return fmt.Errorf("%s: %q is not KIND:NAME, such as token:ada or slack:TEAM/USER", list, one)
		}
	}
	return nil
}

// MaxApprovals is the largest number of people that a change may need, by a rule or without one.
const MaxApprovals = 10

func (p Policy) checkRules() error {
	var names []string
	for i, r := range p.Rules {
		switch {
		case r.Name == "":
			return fmt.Errorf("rules: rule %d has no name; give it one that people will recognise", i+1)
		case slices.Contains(names, r.Name):
			return fmt.Errorf("rules: two rules are called %q; name each one differently", r.Name)
		case r.Holds == nil:
			return fmt.Errorf("rules: %q has no condition; say when it holds", r.Name)
		case r.Refuse != "" && r.Approvals != 0:
			return fmt.Errorf("rules: %q both asks for people and refuses; keep one of approvals and refuse", r.Name)
		case r.Refuse == "" && (r.Approvals < 1 || r.Approvals > MaxApprovals):
			return fmt.Errorf("rules: approvals of %q is %d; give a number from 1 to %d, or refuse", r.Name, r.Approvals, MaxApprovals)
		}
		names = append(names, r.Name)
	}
	return nil
}
