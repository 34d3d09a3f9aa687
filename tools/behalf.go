package tools

import (
	"context"

	"scanwarden/confirm"
)

type behalfKey struct{}

// OnBehalf returns a context in which Defender is called in the name of p, where sign-in works on behalf of users.
// It travels as a value, so that a call that outlives its caller keeps the name. "" is nobody: the server itself.
func OnBehalf(ctx context.Context, p confirm.Principal) context.Context {
	return context.WithValue(ctx, behalfKey{}, p)
}

// Behalf is the person in whose name Defender is called; "" when it is nobody.
func Behalf(ctx context.Context) confirm.Principal {
	p, _ := ctx.Value(behalfKey{}).(confirm.Principal)
	return p
}
