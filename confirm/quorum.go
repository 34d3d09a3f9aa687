package confirm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkReachable returns an error if too few approvers can be asked on by's channels, so that a change that could never
// be confirmed is not kept.
func (a authorizer) checkReachable(need requirement, by Requester) error {
	if need.needed == 1 && !by.Agent && slices.ContainsFunc(by.Channels, func(c Channel) bool { return a.isOwnStdio(by.Local, c) }) {
		return nil
	}
	if slices.ContainsFunc(by.Channels, func(c Channel) bool { return a.reachesOthers(by, c) }) {
		return a.checkEnoughApprovers(need, Change{Requester: by.Principal})
	}
	if by.Agent {
		return errors.New("an application or an AI agent asks, and its own client cannot confirm: a person has to be asked on another channel; have an operator configure one (SCANWARDEN_CONFIRM_WITH)")
	}
	if len(by.Channels) == 0 {
		return errors.New("no person can be asked to confirm: this client does not offer prompts (elicitation) and no other channel is configured; use a client that does, or have an operator add page, terminal or slack to SCANWARDEN_CONFIRM_WITH")
	}
	if err := a.checkOwnAnswers(by); err != nil {
		return fmt.Errorf("only %s can be asked, in their own client or browser, and %w", by.Principal, err)
	}
	if need.needed > 1 {
		return fmt.Errorf("the change needs %s to confirm (%s), but only the requester can be asked; have an operator configure another channel (SCANWARDEN_CONFIRM_WITH)", peopleText(need.needed), need.reason)
	}
	return nil
}

// reachesOthers reports whether a person other than the requester can be reached on the channel. Only the requester sees the
// prompt of their client, and the page of a stdio server in their own browser. Only local users can use a terminal.
func (a authorizer) reachesOthers(by Requester, c Channel) bool {
	switch c {
	case Client:
		return false
	case WebPage:
		return !by.Local
	case Terminal:
		return slices.ContainsFunc(a.Approvers, func(approver string) bool {
			return slices.ContainsFunc(a.ids.personOf(Principal(approver)).Principals, func(p Principal) bool { return strings.HasPrefix(string(p), "local:") })
		})
	}
	return true
}

// checkOwnAnswers returns nil if an approval by the requester would count on one of their channels, and else why it would
// not on the last one.
func (a authorizer) checkOwnAnswers(by Requester) (err error) {
	for _, c := range by.Channels {
		if err = a.checkOwnAnswer(by, c); err == nil {
			return nil
		}
	}
	return err
}

// checkOwnAnswer returns nil if an approval by the requester on the channel would count.
func (a authorizer) checkOwnAnswer(by Requester, channel Channel) error {
	own := Change{Requester: by.Principal, Local: by.Local, Agent: by.Agent}
	return a.mayApprove(own, Vote{Principal: by.Principal, Groups: by.Groups, Agent: by.Agent, Channel: channel})
}

// usableChannels returns the channels of by. It omits those that reach only the requester where their answer would not
// count and other channels exist, so that no code is typed and no page opened in vain.
func (a authorizer) usableChannels(by Requester) []Channel {
	usable := slices.DeleteFunc(slices.Clone(by.Channels), func(c Channel) bool {
		return !a.reachesOthers(by, c) && a.checkOwnAnswer(by, c) != nil
	})
	if len(usable) == 0 {
		return by.Channels
	}
	return usable
}

// checkEnoughApprovers returns an error if fewer people are listed than must approve. A listed group counts as enough.
// The requester counts only where self-approval is allowed.
func (a authorizer) checkEnoughApprovers(need requirement, c Change) error {
	people := map[string]bool{}
	for _, approver := range a.Approvers {
		if len(need.contexts) > 0 && !a.canSignIn(Principal(approver)) {
			continue
		}
		if isGroup(approver) {
			return nil
		}
		if a.couldApprove(Principal(approver), c) {
			people[a.ids.personOf(Principal(approver)).key()] = true
		}
	}
	if len(people) < need.needed && len(need.contexts) > 0 {
		return fmt.Errorf("%s must confirm, and %s, but only %d of the listed approvers can sign in to Microsoft; an operator has to list entra:TENANT/OBJECT or entra-role:NAME", peopleText(need.needed), need.contexts[0].Text(), len(people))
	}
	if len(people) < need.needed {
		return fmt.Errorf("%s must confirm (%s), but only %d of the listed approvers may; an operator has to list more", peopleText(need.needed), need.reason, len(people))
	}
	return nil
}

// couldApprove reports whether a listed approver could approve c on some channel.
func (a authorizer) couldApprove(approver Principal, c Change) bool {
	self := a.ids.isRequester(c, approver)
	return (!self || a.SelfApproval) && !a.ids.isAmbiguous(approver) && !a.isAgent(approver)
}

// isGroup reports whether an entry of a list names a group and not a principal.
func isGroup(entry string) bool {
	return strings.HasPrefix(entry, "slack-group:") || strings.HasPrefix(entry, "entra-role:")
}
