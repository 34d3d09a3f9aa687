package entra

import (
	"context"
	"strings"
)

// Mode selects how to sign in.
type Mode string

// The modes. The zero value is Client.
const (
	Client          Mode = "client"           // an application, by its secret, certificate or federated token file
	ManagedIdentity Mode = "managed-identity" // the identity that Azure gives to the machine or container
	DeviceCode      Mode = "device-code"      // a user, by a code to enter in a browser on any machine
	Interactive     Mode = "interactive"      // a user, in a browser on this machine
)

// signsInUser reports whether the mode needs a user to start.
func (m Mode) signsInUser() bool { return m == DeviceCode || m == Interactive }

// authMethod acquires tokens in one mode. The sources of all scopes share it.
type authMethod interface {
	// acquireToken returns a token without a user's help. It may come from MSAL's cache unless req asks for a
	// fresh one.
	acquireToken(ctx context.Context, scope string, req TokenRequest) (*cachedToken, *Error)
}

// envPrefix begins the names of the environment variables of one app registration.
type envPrefix string

// expand replaces names such as AZURE_CLIENT_ID in text by those of this registration. Tenant, authority and
// scope keep their names, because all registrations share them.
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

// expandError returns a copy of e with the names of this registration. Other callers may hold e.
func (p envPrefix) expandError(e *Error) *Error {
	own := *e
	own.Hint = p.expand(e.Hint)
	return &own
}
