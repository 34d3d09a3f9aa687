package confirm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Policy says who may decide, how many must, and how large a change may be. Its zero value lets nobody
// approve anything, except that the local user confirms their own changes on their own stdio server.
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

// Person joins several principals of one human being, so that they count once.
type Person struct {
	Name       string
	Email      string // for faces that may match people by it; "" matches nobody
	Principals []Principal
}

// ScansPerDelete is the largest number of scans one delete_scans may remove.
func (p Policy) ScansPerDelete() int { return orDefault(p.MaxScansPerDelete, 50) }

// AddressesPerScan is the largest number of addresses one scan may target.
func (p Policy) AddressesPerScan() int { return orDefault(p.MaxAddressesPerScan, 4096) }

func (p Policy) openPerRequester() int { return orDefault(p.MaxOpenPerRequester, 20) }

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

// Check says what contradicts itself in the policy.
func (p Policy) Check() error {
	owner := map[Principal]string{}
	for _, person := range p.People {
		for _, principal := range person.Principals {
			if other, taken := owner[principal]; taken {
				return fmt.Errorf("people: %q belongs to both %q and %q; list it once", principal, other, person.Name)
			}
			owner[principal] = person.Name
		}
	}
	for _, approver := range p.Approvers {
		if kind, rest, ok := strings.Cut(approver, ":"); !ok || kind == "" || rest == "" {
			return fmt.Errorf("approvers: %q is not KIND:NAME, such as token:ada or slack:TEAM/USER", approver)
		}
	}
	return nil
}

// person returns everything known of the human behind a principal. An unlisted principal is a person of
// its own, known by no other name.
func (p Policy) person(of Principal) Person {
	for _, person := range p.People {
		if slices.Contains(person.Principals, of) {
			return person
		}
	}
	return Person{Principals: []Principal{of}}
}

// key identifies a person whichever of their principals acts.
func (p Person) key() string { return string(p.Principals[0]) }

// samePerson reports whether two principals belong to one human being.
func (p Policy) samePerson(a, b Principal) bool { return p.person(a).key() == p.person(b).key() }

// listed reports whether the voter, by any principal of theirs or any verified group, is an approver.
func (p Policy) listed(by Principal, groups []string) bool {
	for _, principal := range p.person(by).Principals {
		if slices.Contains(p.Approvers, string(principal)) {
			return true
		}
	}
	return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(p.Approvers, g) })
}

// ownServer reports whether the exception holds: nobody is listed, and the person who runs this very
// server on their own stdio answers their own client's prompt.
func (p Policy) ownServer(local bool, channel Channel) bool {
	return len(p.Approvers) == 0 && local && channel == Client
}

// mayApprove says nil when a yes of v counts for c, and otherwise why not.
func (p Policy) mayApprove(c Change, v Vote) error {
	self := p.samePerson(c.Requester, v.Principal)
	switch {
	case self && p.ownServer(c.Local, v.Channel):
		return nil
	case len(p.Approvers) == 0:
		return errors.New("nobody is allowed to confirm changes; an operator has to list approvers (SCANWARDEN_APPROVERS)")
	case !p.listed(v.Principal, v.Groups):
		return fmt.Errorf("%s is not among the approvers; ask one of them, or have an operator add this principal", v.Principal)
	case self && !p.SelfApproval:
		return errors.New("people may not confirm their own changes here; ask another approver, or have an operator set self_approval (SCANWARDEN_SELF_APPROVAL)")
	}
	return nil
}

// mayDeny lets approvers and the requester stop a change.
func (p Policy) mayDeny(c Change, v Vote) error {
	if p.samePerson(c.Requester, v.Principal) || p.listed(v.Principal, v.Groups) {
		return nil
	}
	return fmt.Errorf("%s is neither an approver nor the requester of this change", v.Principal)
}

// reachable refuses a proposal that nobody could ever confirm, so that it is never kept.
func (p Policy) reachable(operation string, by Asker) error {
	if len(by.Channels) == 0 {
		return errors.New("no person can be asked to confirm: this client does not offer prompts (elicitation) and no other channel is configured; use a client that does")
	}
	need := p.required(operation)
	if slices.ContainsFunc(by.Channels, func(c Channel) bool { return c != Client }) {
		return p.enoughApprovers(need, by)
	}
	own := Change{Requester: by.Principal, Local: by.Local}
	if err := p.mayApprove(own, Vote{Principal: by.Principal, Groups: by.Groups, Channel: Client}); err != nil {
		return fmt.Errorf("only the client of %s can be asked, and %w", by.Principal, err)
	}
	if need > 1 {
		return fmt.Errorf("%s needs %d people to confirm, but only the requester's own client can be asked; configure another channel", operation, need)
	}
	return nil
}

// useful leaves out the requester's own client where other channels are asked and its answer would not count:
// nobody types a code in vain.
func (p Policy) useful(by Asker) []Channel {
	own := Change{Requester: by.Principal, Local: by.Local}
	if p.mayApprove(own, Vote{Principal: by.Principal, Groups: by.Groups, Channel: Client}) == nil || len(by.Channels) == 1 {
		return by.Channels
	}
	return slices.DeleteFunc(slices.Clone(by.Channels), func(c Channel) bool { return c == Client })
}

// enoughApprovers counts the listed people besides a requester who may not approve; a group counts as many.
func (p Policy) enoughApprovers(need int, by Asker) error {
	people := map[string]bool{}
	for _, approver := range p.Approvers {
		if strings.HasPrefix(approver, "slack-group:") || strings.HasPrefix(approver, "entra-role:") {
			return nil
		}
		if self := p.samePerson(by.Principal, Principal(approver)); !self || p.SelfApproval {
			people[p.person(Principal(approver)).key()] = true
		}
	}
	if len(people) < need {
		return fmt.Errorf("%d people have to confirm, but only %d listed approvers may; an operator has to list more", need, len(people))
	}
	return nil
}
