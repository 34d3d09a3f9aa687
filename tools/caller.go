package tools

import (
	"scanwarden/confirm"
	"scanwarden/defender"
)

// Caller identifies the user, or the agent of a user, that calls an operation.
type Caller struct {
	Principal confirm.Principal
	Agent     bool // an application, or an AI agent that acts for the principal: it never has the user's sign-in
}

// callerOf returns the requester of a change as a caller.
func callerOf(r confirm.Requester) Caller { return Caller{Principal: r.Principal, Agent: r.Agent} }

// defenderActor returns how Defender knows the caller, where it is called on behalf of users.
func (c Caller) defenderActor() defender.Actor {
	return defender.Actor{User: string(c.Principal), Agent: c.Agent}
}
