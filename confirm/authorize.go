package confirm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// authorizer combines the policy with the identities at one moment. It decides about requests, approvals
// and denials.
type authorizer struct {
	Policy
	ids identities
}

// loadAuthorizer returns the policy combined with the current identity links. Links are read again for every decision,
// so that a new or revoked link takes effect at once. Reading a short table costs little.
func (g *Gate) loadAuthorizer(ctx context.Context) (authorizer, error) {
	valid, invalid, err := g.loadLinks(ctx)
	if err != nil {
		return authorizer{}, err
	}
	a := authorizer{Policy: g.cfg.Policy, ids: newIdentities(g.cfg.Policy.People, valid)}
	a.ids.addSuspects(invalid)
	return a, nil
}

// requesterRole is the app role that a caller from Entra ID needs where the policy lists no requesters.
const requesterRole = "entra-role:Scans.Requester"

// mayRequest returns nil if by may propose changes. A user on their own stdio server always may.
func (a authorizer) mayRequest(by Requester) error {
	switch {
	case by.Local && !by.Agent:
		return nil
	case len(a.Requesters) == 0 && !strings.HasPrefix(string(by.Principal), "entra:"):
		return nil
	case len(a.Requesters) == 0 && slices.Contains(by.Groups, requesterRole):
		return nil
	case len(a.Requesters) == 0:
		return fmt.Errorf("%s may not ask for changes here; have an operator give them the app role Scans.Requester in Entra ID", by.Principal)
	case !a.isListed(a.Requesters, by.Principal, by.Groups):
		return fmt.Errorf("%s may not ask for changes here; have an operator add this principal to the policy's requesters (SCANWARDEN_REQUESTERS)", by.Principal)
	}
	return nil
}

// isListed reports whether the list names a principal of this person or one of the verified groups. While the person is
// ambiguous, only the given principal counts.
func (a authorizer) isListed(list []string, principal Principal, groups []string) bool {
	principals := a.ids.personOf(principal).Principals
	if a.ids.isAmbiguous(principal) {
		principals = []Principal{principal}
	}
	return slices.ContainsFunc(principals, func(p Principal) bool { return slices.Contains(list, string(p)) }) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(list, g) })
}

// isAgent reports whether the configuration marks the principal as an agent. It holds also for votes of an earlier time.
func (p Policy) isAgent(principal Principal) bool { return slices.Contains(p.Agents, principal) }

// isOwnStdio reports whether the exception for local users applies: no approvers are listed, and a user on their own
// stdio server answers their own client's prompt, the page that the server has opened for them, or in a terminal.
func (p Policy) isOwnStdio(local bool, channel Channel) bool {
	return len(p.Approvers) == 0 && local && isPersonal(channel)
}

// isPersonal reports whether the channel can reach the requester alone, without anybody else.
func isPersonal(channel Channel) bool {
	return channel == Client || channel == WebPage || channel == Terminal
}

var errNoApprovers = errors.New("nobody is allowed to confirm changes; an operator has to list approvers (SCANWARDEN_APPROVERS)")

// mayApprove returns nil if an approval by v counts for c.
func (a authorizer) mayApprove(c Change, v Vote) error {
	self := a.ids.isRequester(c, v.Principal)
	switch {
	case v.Agent || a.isAgent(v.Principal) || (c.Agent && v.Channel == Client):
		return errors.New("an application or an AI agent may ask for changes and never confirm one; a person has to confirm it")
	case self && a.isOwnStdio(c.Local, v.Channel):
		return nil
	case len(a.Approvers) == 0:
		return errNoApprovers
	case a.ids.isAmbiguous(v.Principal):
		return fmt.Errorf("it cannot be told who %s is: the configuration and an account link name different people; have an operator remove the link or join the accounts under people", v.Principal)
	case a.ids.isSuspect(v.Principal):
		return fmt.Errorf("the account link of %s does not verify: an earlier version of scanwarden made it, or another server key, or an intruder; link the accounts again, or have an operator remove the link", v.Principal)
	case !a.isListed(a.Approvers, v.Principal, v.Groups):
		return fmt.Errorf("%s is not among the approvers; ask one of them, or have an operator add this principal", v.Principal)
	case self && !a.SelfApproval:
		return errors.New("people may not confirm their own changes here; ask another approver, or have an operator set self_approval (SCANWARDEN_SELF_APPROVAL)")
	}
	return nil
}

// countedApprovals returns the approvals that count now, at most one for each person, and why each of the others no
// longer counts: policy must allow it, and it must have every context of need. Accounts that were linked or unlinked after a vote still count as one person.
func (a authorizer) countedApprovals(c Change, need requirement) (counted []Decision, dropped []error) {
	var earlier []Decision
	for _, d := range c.Decisions {
		if !d.Approve {
			continue
		}
		if err := cmp.Or(a.stillAllowed(c, d), need.missingContext(c, d)); err != nil {
			dropped = append(dropped, fmt.Errorf("the approval of %s no longer counts: %w", d.Principal, err))
			continue
		}
		if !slices.ContainsFunc(earlier, func(e Decision) bool { return a.ids.sameVoter(d, e) }) {
			counted = append(counted, d)
		}
		earlier = append(earlier, d)
	}
	return counted, dropped
}

// stillAllowed returns nil if the policy and the identities of this moment allow the recorded approval d of c: its
// principal or one of its groups is still listed, and its person is not the requester.
func (a authorizer) stillAllowed(c Change, d Decision) error {
	if a.ids.isRequester(c, d.allPrincipals()...) && !a.SelfApproval && !a.isOwnStdio(c.Local, d.Channel) {
		return errors.New("it is the requester's own")
	}
	return a.mayApprove(c, Vote{Principal: d.Principal, Groups: d.Groups, Channel: d.Channel})
}

// listedGroups returns the groups that the policy names as approvers.
func (a authorizer) listedGroups(groups []string) (listed []string) {
	for _, group := range groups {
		if slices.Contains(a.Approvers, group) {
			listed = append(listed, group)
		}
	}
	return listed
}

// mayDeny returns nil if v may deny c: an approver or the requester may; an agent may deny only its own change. The
// requester's former accounts give no right to deny, because a link may have been removed for being wrong.
func (a authorizer) mayDeny(c Change, v Vote) error {
	switch {
	case (v.Agent || a.isAgent(v.Principal)) && c.requestedByAgent(v.Principal):
		return nil
	case v.Agent || a.isAgent(v.Principal):
		return errors.New("an application or an AI agent may not decide about the changes of others; a person has to")
	case a.ids.samePerson(c.Requester, v.Principal):
		return nil
	case a.isListed(a.Approvers, v.Principal, v.Groups):
		return nil
	}
	return fmt.Errorf("%s is neither an approver nor the requester of this change; ask one of them to decide", v.Principal)
}
