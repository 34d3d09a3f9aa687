package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// authorizer is the policy, as it applies to the people there are at one moment.
type authorizer struct {
	Policy
	ids identities
}

// loadAuthorizer reads who is who. It is read anew for each decision: a link that was made or taken back a moment
// ago must count, and reading a short table costs little.
func (g *Gate) loadAuthorizer(ctx context.Context) (authorizer, error) {
	links, err := g.cfg.Store.Links(ctx)
	if err != nil {
		return authorizer{}, fmt.Errorf("read who is who: %w", err)
	}
	return authorizer{Policy: g.cfg.Policy, ids: newIdentities(g.cfg.Policy.People, links)}, nil
}

// mayRequest says nil when somebody may ask for changes, and otherwise why not. Who runs this very server on
// their own stdio always may.
func (e authorizer) mayRequest(by Requester) error {
	switch {
	case by.Local && !by.Agent:
		return nil
	case len(e.Requesters) == 0 && !strings.HasPrefix(string(by.Principal), "entra:"):
		return nil
	case len(e.Requesters) == 0 && slices.Contains(by.Groups, requesterRole):
		return nil
	case len(e.Requesters) == 0:
		return fmt.Errorf("%s may not ask for changes here; have an operator give them the app role Scans.Requester in Entra ID", by.Principal)
	case !e.isListed(e.Requesters, by.Principal, by.Groups):
		return fmt.Errorf("%s may not ask for changes here; have an operator add this principal to the policy's requesters (SCANWARDEN_REQUESTERS)", by.Principal)
	}
	return nil
}

// requesterRole is the app role that a caller from Entra needs to ask where no requesters are listed.
const requesterRole = "entra-role:Scans.Requester"

// isListed reports whether somebody, by any principal of theirs or any verified group, is on a list. While it cannot
// be told who they are, only the principal at hand counts.
func (e authorizer) isListed(on []string, who Principal, groups []string) bool {
	principals := e.ids.personOf(who).Principals
	if e.ids.isAmbiguous(who) {
		principals = []Principal{who}
	}
	return slices.ContainsFunc(principals, func(p Principal) bool { return slices.Contains(on, string(p)) }) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(on, g) })
}

// isOwnStdio reports whether the exception holds: nobody is listed, and the person who runs this very
// server on their own stdio answers their own client's prompt.
func (p Policy) isOwnStdio(local bool, channel Channel) bool {
	return len(p.Approvers) == 0 && local && channel == Client
}

var errNoApprovers = errors.New("nobody is allowed to confirm changes; an operator has to list approvers (SCANWARDEN_APPROVERS)")

// mayApprove says nil when a yes of v counts for c, and otherwise why not.
func (e authorizer) mayApprove(c Change, v Vote) error {
	self := e.ids.isRequester(c, v.Principal)
	switch {
	case v.Agent || (c.Agent && v.Channel == Client):
		return errors.New("an application or an AI agent may ask for changes and never confirm one; a person has to confirm it")
	case self && e.isOwnStdio(c.Local, v.Channel):
		return nil
	case len(e.Approvers) == 0:
		return errNoApprovers
	case e.ids.isAmbiguous(v.Principal):
		return fmt.Errorf("it cannot be told who %s is: the configuration and a link of theirs name different people; have an operator take the link back or join them under people", v.Principal)
	case !e.isListed(e.Approvers, v.Principal, v.Groups):
		return fmt.Errorf("%s is not among the approvers; ask one of them, or have an operator add this principal", v.Principal)
	case self && !e.SelfApproval:
		return errors.New("people may not confirm their own changes here; ask another approver, or have an operator set self_approval (SCANWARDEN_SELF_APPROVAL)")
	}
	return nil
}

// countApprovals counts the distinct people whose yes counts: somebody whose principals were joined after a vote, or
// taken apart, still counts once, and the requester only where they may confirm their own.
func (e authorizer) countApprovals(c Change) int {
	var counted int
	var yes []Decision
	for _, d := range c.Decisions {
		own := e.ids.isRequester(c, d.allPrincipals()...)
		if !d.Approve || (own && !e.SelfApproval && !e.isOwnStdio(c.Local, d.Channel)) {
			continue
		}
		if !slices.ContainsFunc(yes, func(before Decision) bool { return e.ids.sameVoter(d, before) }) {
			counted++
		}
		yes = append(yes, d)
	}
	return counted
}

// mayDeny lets approvers and the requester stop a change; an agent, its own alone. What the requester was called
// when they asked lends no rights: a link may have been taken back because it was wrong.
func (e authorizer) mayDeny(c Change, v Vote) error {
	switch {
	case v.Agent && c.requestedByAgent(v.Principal):
		return nil
	case v.Agent:
		return errors.New("an application or an AI agent may not decide about the changes of others; a person has to")
	case e.ids.samePerson(c.Requester, v.Principal):
		return nil
	case e.isListed(e.Approvers, v.Principal, v.Groups):
		return nil
	}
	return fmt.Errorf("%s is neither an approver nor the requester of this change", v.Principal)
}
