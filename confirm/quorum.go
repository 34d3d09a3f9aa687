package confirm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// reachable refuses a proposal that nobody could ever confirm, so that it is never kept.
func (e electorate) reachable(need judgement, by Requester) error {
	if slices.ContainsFunc(by.Channels, func(c Channel) bool { return c != Client }) {
		return e.enoughApprovers(need, Change{Requester: by.Principal})
	}
	if by.Agent {
		return errors.New("an application or an AI agent asks, and its own client cannot confirm: a person has to be asked on another channel; have an operator configure one (SCANWARDEN_CONFIRM_WITH)")
	}
	if len(by.Channels) == 0 {
		return errors.New("no person can be asked to confirm: this client does not offer prompts (elicitation) and no other channel is configured; use a client that does, or have an operator configure Slack (SLACK_BOT_TOKEN, SCANWARDEN_CONFIRM_WITH)")
	}
	if err := e.ownAnswer(by); err != nil {
		return fmt.Errorf("only the client of %s can be asked, and %w", by.Principal, err)
	}
	if need.needed > 1 {
		return fmt.Errorf("the change needs %s to confirm (%s), but only the requester's own client can be asked; configure another channel", persons(need.needed), need.because)
	}
	return nil
}

// ownAnswer says nil when a yes of the requester on their own client would count, and otherwise why not.
func (e electorate) ownAnswer(by Requester) error {
	own := Change{Requester: by.Principal, Local: by.Local, Agent: by.Agent}
	return e.mayApprove(own, Vote{Principal: by.Principal, Groups: by.Groups, Agent: by.Agent, Channel: Client})
}

// useful leaves out the requester's own client where other channels are asked and its answer would not count:
// nobody types a code in vain.
func (e electorate) useful(by Requester) []Channel {
	if e.ownAnswer(by) == nil || len(by.Channels) == 1 {
		return by.Channels
	}
	return slices.DeleteFunc(slices.Clone(by.Channels), func(c Channel) bool { return c == Client })
}

// enoughApprovers counts the listed people besides a requester who may not approve; a group counts as many.
func (e electorate) enoughApprovers(need judgement, c Change) error {
	able := map[string]bool{}
	for _, approver := range e.Approvers {
		if isGroup(approver) {
			return nil
		}
		if e.mayEver(Principal(approver), c) {
			able[e.people.person(Principal(approver)).key()] = true
		}
	}
	if len(able) < need.needed {
		return fmt.Errorf("%s must confirm (%s), but only %d listed approvers may; an operator has to list more", persons(need.needed), need.because, len(able))
	}
	return nil
}

// mayEver reports whether a listed approver could confirm a change.
func (e electorate) mayEver(approver Principal, c Change) bool {
	self := e.people.asked(c, approver)
	return (!self || e.SelfApproval) && !e.people.isContested(approver)
}

// isGroup reports whether an entry of a list names many people at once.
func isGroup(listed string) bool {
	return strings.HasPrefix(listed, "slack-group:") || strings.HasPrefix(listed, "entra-role:")
}
