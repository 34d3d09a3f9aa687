package tools

import (
	"context"

	"scanwarden/confirm"
)

type behalfKey struct{}

// behalf is who asks.
type behalf struct {
	principal confirm.Principal
	agent     bool
}

// OnBehalf returns a context in which Defender is called in the name of p, where sign-in works on behalf of users.
// It travels as a value, so that a call that outlives its caller keeps the name. "" is nobody: the server itself.
func OnBehalf(ctx context.Context, p confirm.Principal) context.Context {
	return context.WithValue(ctx, behalfKey{}, behalf{principal: p})
}

// ByAgent returns a context in which no person calls, but an application, or an AI agent that acts for p. It may bear
// the person's principal and never has the person's sign-in: Defender is not called in their name.
func ByAgent(ctx context.Context, p confirm.Principal) context.Context {
	return context.WithValue(ctx, behalfKey{}, behalf{principal: p, agent: true})
}

// Behalf is who asks: the person in whose name Defender is called, or, with Agent, an agent of theirs; "" when it is
// nobody.
func Behalf(ctx context.Context) confirm.Principal { return behalfOf(ctx).principal }

// Agent reports whether who asks is no person.
func Agent(ctx context.Context) bool { return behalfOf(ctx).agent }

func behalfOf(ctx context.Context) behalf {
	b, _ := ctx.Value(behalfKey{}).(behalf)
	return b
}

// inNameOf is ctx for a call of by's; who a face has found to be an agent stays one.
func inNameOf(ctx context.Context, by confirm.Principal) context.Context {
	if b := behalfOf(ctx); b.agent && b.principal == by {
		return ctx
	}
	return OnBehalf(ctx, by)
}
