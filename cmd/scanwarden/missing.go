package main

import (
	"strings"

	"scanwarden/defender/entra"
	"scanwarden/tools"
)

// missing says what has to be given before a tool call can reach a tenant, nil when nothing has.
func (c *config) missing() error {
	if c.Simulator || c.standIn() {
		return nil
	}
	names, lacks := c.unset(), "Defender tenant to talk to"
	if len(names) == 0 {
		names, lacks = c.unsetToWrite(), "whole credential to write to Defender with"
	}
	if len(names) == 0 {
		return nil
	}
	return &tools.Refusal{
		Reason: "scanwarden has no " + lacks + " yet: " + enumerated(names) + " not set",
		Next:   "Have the operator set what is missing and start scanwarden again, or start it with --simulator to try it without a tenant.",
	}
}

// unset names what the way to sign in needs and does not have.
func (c *config) unset() (names []string) {
	application := c.Auth == "" || c.Auth == string(entra.Client) || c.Auth == onBehalfOf
	if c.Auth == string(entra.ManagedIdentity) {
		return nil // the machine knows tenant and identity; a client ID chooses among several
	}
	if c.Azure.Tenant == "" {
		names = append(names, "AZURE_TENANT_ID")
	}
	if c.Azure.Client == "" {
		names = append(names, "AZURE_CLIENT_ID")
	}
	if application && !c.Azure.hasCredential() {
		names = append(names, "AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH, or AZURE_FEDERATED_TOKEN_FILE)")
	}
	return names
}

// unsetToWrite names what the other app registration needs and does not have, where another one writes.
func (c *config) unsetToWrite() (names []string) {
	if !c.writesApart() || c.ReadOnly {
		return nil
	}
	if c.Write.Client == "" {
		names = append(names, "SCANWARDEN_WRITE_CLIENT_ID")
	}
	if !c.Write.hasCredential() {
		names = append(names, "SCANWARDEN_WRITE_CLIENT_SECRET (or SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH, or SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE)")
	}
	return names
}

// enumerated is a list in a sentence: "a, b and c".
func enumerated(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
