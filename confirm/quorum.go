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
	if slices.ContainsFunc(by.Channels, func(c Channel) bool { return c != Client }) {
		return a.checkEnoughApprovers(need, Change{Requester: by.Principal})
	}
	if by.Agent {
		return errors.New("an application or an AI agent asks, and its own client cannot confirm: a person has to be asked on another channel; have an operator configure one (SCANWARDEN_CONFIRM_WITH)")
	}
	if len(by.Channels) == 0 {
		return errors.New("no person can be asked to confirm: this client does not offer prompts (elicitation) and no other channel is configured; use a client that does, or have an operator configure Slack (SLACK_BOT_TOKEN, SCANWARDEN_CONFIRM_WITH)")
	}
	if err := a.checkClientAnswer(by); err != nil {
		return fmt.Errorf("only the client of %s can be asked, and %w", by.Principal, err)
	}
	if need.needed > 1 {
		return fmt.Errorf("the change needs %s to confirm (%s), but only the requester's own client can be asked; configure another channel", peopleText(need.needed), need.reason)
	}
	return nil
}

// checkClientAnswer returns nil if an approval by the requester on their own client would count.
func (a authorizer) checkClientAnswer(by Requester) error {
	own := Change{Requester: by.Principal, Local: by.Local, Agent: by.Agent}
	return a.mayApprove(own, Vote{Principal: by.Principal, Groups: by.Groups, Agent: by.Agent, Channel: Client})
}

// usableChannels returns the channels of by. It omits the requester's own client where its answer would not count and
// other channels exist, so that the user does not type a code in vain.
func (a authorizer) usableChannels(by Requester) []Channel {
	if a.checkClientAnswer(by) == nil || len(by.Channels) == 1 {
		return by.Channels
	}
	return slices.DeleteFunc(slices.Clone(by.Channels), func(c Channel) bool { return c == Client })
}

// checkEnoughApprovers returns an error if fewer people are listed than must approve. A listed group counts as enough.
// The requester counts only where self-approval is allowed.
func (a authorizer) checkEnoughApprovers(need requirement, c Change) error {
	people := map[string]bool{}
	for _, approver := range a.Approvers {
		if isGroup(approver) {
			return nil
		}
		if a.couldApprove(Principal(approver), c) {
			people[a.ids.personOf(Principal(approver)).key()] = true
		}
	}
	if len(people) < need.needed {
		return fmt.Errorf("%s must confirm (%s), but only %d of the listed approvers may; an operator has to list more", peopleText(need.needed), need.reason, len(people))
	}
	return nil
}

// couldApprove reports whether a listed approver could approve c on some channel.
func (a authorizer) couldApprove(approver Principal, c Change) bool {
	self := a.ids.isRequester(c, approver)
	return (!self || a.SelfApproval) && !a.ids.isAmbiguous(approver)
}

// isGroup reports whether an entry of a list names a group and not a principal.
func isGroup(entry string) bool {
	return strings.HasPrefix(entry, "slack-group:") || strings.HasPrefix(entry, "entra-role:")
}
