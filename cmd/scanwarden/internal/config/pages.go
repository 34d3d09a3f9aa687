package config

import (
	"slices"
	"strings"
)

// Paths of the pages on which people confirm changes.
const (
	ChangesPath = "/changes"
	SignInPath  = "/signin"
	SignOutPath = "/signout"
)

// ChangePage returns the public address of the page of a change, and its path where no public URL is set.
func (c *Config) ChangePage(change string) string {
	path := ChangesPath + "/" + change
	if public, err := c.PublicOrigin(); err == nil && public != nil {
		return public.Scheme + "://" + public.Host + path
	}
	return path
}

// EntraSignsIn reports whether people sign in to the pages with Microsoft Entra ID: callers or approvers are accounts of
// the tenant, browsers know the server's public URL, and the app registration has a credential to sign them in with.
func (c *Config) EntraSignsIn() bool {
	public, err := c.PublicOrigin()
	listed := slices.ContainsFunc(c.Policy.Approvers, func(a string) bool { return strings.HasPrefix(a, "entra") })
	return err == nil && public != nil && !c.Simulator && (c.AllowsAuth("entra") || listed) &&
		c.Azure.Tenant != "" && c.Azure.Client != "" && c.Azure.HasCredential()
}
