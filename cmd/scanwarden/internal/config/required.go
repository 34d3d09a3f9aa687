package config

import (
	"slices"
	"strings"

	"scanwarden/defender/entra"
	"scanwarden/tools"
)

// MissingSettings returns a refusal that names what a tool call needs before it can reach a tenant. It returns nil if
// nothing is missing.
func (c *Config) MissingSettings() error {
	if c.Simulator || c.UsesSimulator() {
		return nil
	}
	names, lacks := c.MissingCredentials(), "Defender tenant to talk to"
	if len(names) == 0 {
		names, lacks = c.missingWriteCredentials(), "whole credential to write to Defender with"
	}
	reasons := c.explainMissing(names)
	if len(reasons) == 0 {
		return nil
	}
	return &tools.Refusal{
		Reason: "scanwarden has no " + lacks + " yet: " + joinWithAnd(reasons),
		Next:   "Have the operator set what is missing and start scanwarden again, or start it with --simulator to try it without a tenant.",
	}
}

// explainMissing returns a phrase for the placeholders among the settings of the sign-in, and one for the settings that
// are missing. It returns nil if there are none.
func (c *Config) explainMissing(missing []string) (reasons []string) {
	placeholders := c.placeholderNames()
	missing = slices.DeleteFunc(slices.Clone(missing), func(name string) bool {
		return slices.ContainsFunc(placeholders, func(p string) bool { return name == p || strings.HasPrefix(name, p+" ") })
	})
	switch {
	case len(placeholders) == 1:
		reasons = append(reasons, placeholders[0]+" is a placeholder")
	case len(placeholders) > 1:
		reasons = append(reasons, joinWithAnd(placeholders)+" are placeholders")
	}
	if len(missing) > 0 {
		reasons = append(reasons, joinWithAnd(missing)+" not set")
	}
	return reasons
}

// MissingCredentials returns the names of the settings that the configured way to sign in lacks.
func (c *Config) MissingCredentials() (names []string) {
	application := c.Auth == "" || c.Auth == string(entra.Client) || c.Auth == OnBehalfOf
	if c.Auth == string(entra.ManagedIdentity) {
		return nil // the machine knows tenant and identity; a client id selects one of several
	}
	if c.Azure.Tenant == "" {
		names = append(names, "AZURE_TENANT_ID")
	}
	if c.Azure.Client == "" {
		names = append(names, "AZURE_CLIENT_ID")
	}
	if application && !c.Azure.HasCredential() {
		names = append(names, "AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH, or AZURE_FEDERATED_TOKEN_FILE)")
	}
	return names
}

// missingWriteCredentials returns the names of the settings that a separate writer lacks. Without a separate writer
// there are none.
func (c *Config) missingWriteCredentials() (names []string) {
	if !c.HasSeparateWriter() || c.ReadOnly {
		return nil
	}
	if c.Write.Client == "" {
		names = append(names, "SCANWARDEN_WRITE_CLIENT_ID")
	}
	if !c.Write.HasCredential() {
		names = append(names, "SCANWARDEN_WRITE_CLIENT_SECRET (or SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH, or SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE)")
	}
	return names
}

// joinWithAnd returns the names as part of a sentence: "a, b and c".
func joinWithAnd(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
