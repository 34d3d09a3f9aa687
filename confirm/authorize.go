package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// electorate is the policy, as it applies to the people there are at one moment.
type electorate struct {
	Policy
	people people
}

// electorate reads who is who. It is read anew for each decision: a link that was made or taken back a moment
// ago must count, and reading a short table costs little.
func (g *Gate) electorate(ctx context.Context) (electorate, error) {
	links, err := g.cfg.Store.Links(ctx)
	if err != nil {
		return electorate{}, fmt.Errorf("read who is who: %w", err)
	}
	return electorate{Policy: g.cfg.Policy, people: join(g.cfg.Policy.People, links)}, nil
}

// mayRequest says nil when somebody may ask for changes, and otherwise why not. Who runs this very server on
// their own stdio always may.
func (e electorate) mayRequest(by Requester) error {
	switch {
	case by.Local && !by.Agent:
		return nil
	case len(e.Requesters) == 0 && !strings.HasPrefix(string(by.Principal), "entra:"):
		return nil
	case len(e.Requesters) == 0 && slices.Contains(by.Groups, requesterRole):
		return nil
	case len(e.Requesters) == 0:
		return fmt.Errorf("%s may not ask for changes here; have an operator give them the app role Scans.Requester in Entra ID", by.Principal)
	case !e.listed(e.Requesters, by.Principal, by.Groups):
		return fmt.Errorf("%s may not ask for changes here; have an operator add this principal to the policy's requesters (SCANWARDEN_REQUESTERS)", by.Principal)
	}
	return nil
}

// requesterRole is the app role that a caller from Entra needs to ask where no requesters are listed.
const requesterRole = "entra-role:Scans.Requester"

// listed reports whether somebody, by any principal of theirs or any verified group, is on a list. While it cannot
// be told who they are, only the principal at hand counts.
func (e electorate) listed(on []string, who Principal, groups []string) bool {
	principals := e.people.person(who).Principals
	if e.people.isContested(who) {
		principals = []Principal{who}
	}
	return slices.ContainsFunc(principals, func(p Principal) bool { return slices.Contains(on, string(p)) }) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(on, g) })
}

// ownServer reports whether the exception holds: nobody is listed, and the person who runs this very
// server on their own stdio answers their own client's prompt.
func (p Policy) ownServer(local bool, channel Channel) bool {
	return len(p.Approvers) == 0 && local && channel == Client
}

var errNobody = errors.New("nobody is allowed to confirm changes; an operator has to list approvers (SCANWARDEN_APPROVERS)")

// mayApprove says nil when a yes of v counts for c, and otherwise why not.
func (e electorate) mayApprove(c Change, v Vote) error {
	self := e.people.asked(c, v.Principal)
	switch {
	case v.Agent || (c.Agent && v.Channel == Client):
		return errors.New("an application or an AI agent may ask for changes and never confirm one; a person has to confirm it")
	case self && e.ownServer(c.Local, v.Channel):
		return nil
	case len(e.Approvers) == 0:
		return errNobody
	case e.people.isContested(v.Principal):
		return fmt.Errorf("it cannot be told who %s is: the configuration and a link of theirs name different people; have an operator take the link back or join them under people", v.Principal)
	case !e.listed(e.Approvers, v.Principal, v.Groups):
		return fmt.Errorf("%s is not among the approvers; ask one of them, or have an operator add this principal", v.Principal)
	case self && !e.SelfApproval:
		return errors.New("people may not confirm their own changes here; ask another approver, or have an operator set self_approval (SCANWARDEN_SELF_APPROVAL)")
	}
	return nil
}

// approvals counts the distinct people whose yes counts: somebody whose principals were joined after a vote, or
// taken apart, still counts once, and the requester only where they may confirm their own.
func (e electorate) approvals(c Change) int {
	var counted int
	var yes []Decision
	for _, d := range c.Decisions {
		own := e.people.asked(c, d.names()...)
		if !d.Approve || (own && !e.SelfApproval && !e.ownServer(c.Local, d.Channel)) {
			continue
		}
		if !slices.ContainsFunc(yes, func(before Decision) bool { return e.people.twice(d, before) }) {
			counted++
		}
		yes = append(yes, d)
	}
	return counted
}

// mayDeny lets approvers and the requester stop a change; an agent, its own alone. What the requester was called
// when they asked lends no rights: a link may have been taken back because it was wrong.
func (e electorate) mayDeny(c Change, v Vote) error {
	switch {
	case v.Agent && c.agents(v.Principal):
		return nil
	case v.Agent:
		return errors.New("an application or an AI agent may not decide about the changes of others; a person has to")
	case e.people.same(c.Requester, v.Principal):
		return nil
	case e.listed(e.Approvers, v.Principal, v.Groups):
		return nil
	}
	return fmt.Errorf("%s is neither an approver nor the requester of this change", v.Principal)
}
