package confirm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkReachable refuses a proposal that nobody could ever confirm, so that it is never kept.
func (e authorizer) checkReachable(need requirement, by Requester) error {
	if slices.ContainsFunc(by.Channels, func(c Channel) bool { return c != Client }) {
		return e.checkEnoughApprovers(need, Change{Requester: by.Principal})
	}
	if by.Agent {
		return errors.New("an application or an AI agent asks, and its own client cannot confirm: a person has to be asked on another channel; have an operator configure one (SCANWARDEN_CONFIRM_WITH)")
	}
	if len(by.Channels) == 0 {
		return errors.New("no person can be asked to confirm: this client does not offer prompts (elicitation) and no other channel is configured; use a client that does, or have an operator configure Slack (SLACK_BOT_TOKEN, SCANWARDEN_CONFIRM_WITH)")
	}
	if err := e.checkClientAnswer(by); err != nil {
		return fmt.Errorf("only the client of %s can be asked, and %w", by.Principal, err)
	}
	if need.needed > 1 {
		return fmt.Errorf("the change needs %s to confirm (%s), but only the requester's own client can be asked; configure another channel", peopleText(need.needed), need.reason)
	}
	return nil
}

// checkClientAnswer says nil when a yes of the requester on their own client would count, and otherwise why not.
func (e authorizer) checkClientAnswer(by Requester) error {
	own := Change{Requester: by.Principal, Local: by.Local, Agent: by.Agent}
	return e.mayApprove(own, Vote{Principal: by.Principal, Groups: by.Groups, Agent: by.Agent, Channel: Client})
}

// usableChannels leaves out the requester's own client where other channels are asked and its answer would not count:
// nobody types a code in vain.
func (e authorizer) usableChannels(by Requester) []Channel {
	if e.checkClientAnswer(by) == nil || len(by.Channels) == 1 {
		return by.Channels
	}
	return slices.DeleteFunc(slices.Clone(by.Channels), func(c Channel) bool { return c == Client })
}

// checkEnoughApprovers counts the listed people besides a requester who may not approve; a group counts as many.
func (e authorizer) checkEnoughApprovers(need requirement, c Change) error {
	able := map[string]bool{}
	for _, approver := range e.Approvers {
		if isGroup(approver) {
			return nil
		}
		if e.couldApprove(Principal(approver), c) {
			able[e.ids.personOf(Principal(approver)).key()] = true
		}
	}
	if len(able) < need.needed {
		return fmt.Errorf("%s must confirm (%s), but only %d listed approvers may; an operator has to list more", peopleText(need.needed), need.reason, len(able))
	}
	return nil
}

// couldApprove reports whether a listed approver could confirm a change.
func (e authorizer) couldApprove(approver Principal, c Change) bool {
	self := e.ids.isRequester(c, approver)
	return (!self || e.SelfApproval) && !e.ids.isAmbiguous(approver)
}

// isGroup reports whether an entry of a list names many people at once.
func isGroup(listed string) bool {
	return strings.HasPrefix(listed, "slack-group:") || strings.HasPrefix(listed, "entra-role:")
}
