package entra

import (
	"context"
	"strings"
)

// Mode is how to sign in.
type Mode string

// The modes. The zero value is Client.
const (
	Client          Mode = "client"           // an application, by its secret, certificate or federated token file
	ManagedIdentity Mode = "managed-identity" // the identity that Azure gives to the machine or container we run on
	DeviceCode      Mode = "device-code"      // a person, who enters a code in a browser anywhere
	Interactive     Mode = "interactive"      // a person, in a browser on this machine
)

// signsInUser reports a mode in which nobody but a person can begin.
func (m Mode) signsInUser() bool { return m == DeviceCode || m == Interactive }

// authMethod is a mode at work: MSAL's client for it, which the sources of all scopes share.
type authMethod interface {
	// acquireToken gets a token without a person. Unless asked for a fresh one, it may come from MSAL's cache.
	acquireToken(ctx context.Context, scope string, req TokenRequest) (*cachedToken, *Error)
}

// envPrefix begins the names of the environment variables of one app registration.
type envPrefix string

// expand writes text, which speaks of AZURE_CLIENT_ID and the like, for this registration. Tenant, authority and
// scope keep their names: they are those of every registration.
func (p envPrefix) expand(text string) string {
	if p == "" {
		return text
	}
	var pairs []string
	for _, name := range []string{envClient, envSecret, envCertificate, envFederated} {
		pairs = append(pairs, name, string(p)+strings.TrimPrefix(name, defaultPrefix))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// expandError returns e for this registration. It is a copy, since others may hold e.
func (p envPrefix) expandError(e *Error) *Error {
	own := *e
	own.Hint = p.expand(e.Hint)
	return &own
}
