package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/rule"
	"scanwarden/defender"
	"scanwarden/tools"
)

// validate finds what is wrong or contradictory, naming the setting and the fix. What is merely missing is
// not an error here: a server without a tenant starts and says so in its tool errors (see missing).
func (c *Config) validate() []error {
	var mistakes []error
	for _, check := range []func() error{
		c.checkSignIn, c.checkEndpoints, c.checkDatabaseURL, c.checkSlack, c.checkAccountLink, c.checkChannels, c.checkApprovers,
		c.checkRules, c.checkPeople, c.checkApprovalsRequired, c.checkLimits, c.checkCredentials, c.checkHTTP, c.checkLogs,
	} {
		if err := check(); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return mistakes
}

func (c *Config) checkEndpoints() error {
	_, err := c.Endpoints()
	return err
}

// Endpoints is where Defender and Entra are. The built-in simulator's address is known only once it listens.
func (c *Config) Endpoints() (defender.Endpoints, error) {
	e, err := defender.EndpointsFor(c.Defender.Cloud, c.Defender.Region)
	if err != nil {
		return e, c.OriginOf(c.conflictingSetting()).Errorf("%w", err)
	}
	if c.Defender.URL != "" {
		if err := defender.CheckURL(c.Defender.URL); err != nil {
			return e, c.OriginOf("defender.url").Errorf("%w", err)
		}
		e.URL = strings.TrimRight(c.Defender.URL, "/")
	}
	if c.Defender.Scope != "" {
		e.Scope = c.Defender.Scope
	}
	if c.Azure.Authority != "" {
		e.Authority = "https://" + c.authorityHost()
	}
	return e, nil
}

// conflictingSetting is the setting to correct where cloud and region do not go together: the one that is named.
func (c *Config) conflictingSetting() string {
	if c.Defender.Region != "" {
		return "defender.region"
	}
	return "defender.cloud"
}

// authorityHost accepts what the Azure SDKs accept: a URL with or without a slash at its end, or the host alone.
func (c *Config) authorityHost() string {
	return strings.TrimRight(strings.TrimPrefix(c.Azure.Authority, "https://"), "/")
}

func (c *Config) checkDatabaseURL() error {
	kind, rest, _ := strings.Cut(c.DatabaseURL, ":")
	switch {
	case c.DatabaseURL == "", kind == "sqlite" && rest != "":
		return nil
	case (kind == "postgres" || kind == "postgresql") && strings.HasPrefix(rest, "//"):
		return nil
	}
	// The value may hold a password: do not repeat it.
	return c.OriginOf("database_url").Errorf("write sqlite:PATH or postgres://USER@HOST/DATABASE")
}

func (c *Config) checkChannels() error {
	for i, channel := range c.ConfirmWith {
		where := c.OriginOf("confirm_with", i)
		switch confirm.Channel(channel) {
		case confirm.Client:
		case confirm.Slack:
			if !c.SlackConfigured() {
				return where.Errorf("slack is named, and Slack is not configured; set SLACK_BOT_TOKEN and SLACK_APP_TOKEN (or SLACK_SIGNING_SECRET)")
			}
		case confirm.Page:
			return where.Errorf("this build has no confirmation page; use client or slack")
		default:
			return where.Errorf("%q is not a channel; use client or slack", channel)
		}
	}
	return nil
}

// Channels are where changes are put to people, all of them at once.
func (c *Config) Channels() []confirm.Channel {
	if len(c.ConfirmWith) == 0 {
		if c.SlackConfigured() {
			return []confirm.Channel{confirm.Slack}
		}
		return []confirm.Channel{confirm.Client}
	}
	channels := make([]confirm.Channel, len(c.ConfirmWith))
	for i, channel := range c.ConfirmWith {
		channels[i] = confirm.Channel(channel)
	}
	return channels
}

func (c *Config) checkApprovers() error {
	for i, approver := range c.Policy.Approvers {
		if err := CheckPrincipal(approver, principalPrefixes); err != nil {
			return c.OriginOf("policy.approvers", i).Errorf("%w", err)
		}
	}
	for i, requester := range c.Policy.Requesters {
		if err := CheckPrincipal(requester, principalPrefixes); err != nil {
			return c.OriginOf("policy.requesters", i).Errorf("%w", err)
		}
	}
	return nil
}

// checkRules compiles the rules of the policy; a mistake is told with its line and column.
func (c *Config) checkRules() error {
	if len(c.Policy.Rules) == 0 {
		return nil // the compiler is not even begun
	}
	sources := make([]rule.Source, len(c.Policy.Rules))
	for i, r := range c.Policy.Rules {
		sources[i] = rule.Source{
			Name: r.Name, When: r.When.text, Approvals: r.Approvals, Refuse: r.Refuse, Line: r.When.line, Column: r.When.column, Folds: r.When.folds,
		}
	}
	operations, err := writeOperations()
	if err != nil {
		return err
	}
	if c.Rules, err = rule.Compile(sources, operations...); err != nil {
		return fmt.Errorf("configuration file %s: policy.rules: %w", c.Path, err)
	}
	return nil
}

// writeOperations names the operations that change Defender.
func writeOperations() ([]string, error) {
	operations, err := tools.Catalogue(nil)
	var names []string
	for _, op := range operations {
		if op.Effect == tools.Proposes {
			names = append(names, op.Name)
		}
	}
	return names, err
}

func (c *Config) checkApprovalsRequired() error {
	if len(c.Policy.ApprovalsRequired) == 0 {
		return nil
	}
	operations, err := writeOperations()
	if err != nil {
		return err
	}
	for _, tool := range slices.Sorted(maps.Keys(c.Policy.ApprovalsRequired)) {
		where := c.OriginOf("policy.approvals_required", tool)
		if !slices.Contains(operations, tool) {
			return where.Errorf("%s", unknownOperation(tool, operations))
		}
		switch n := c.Policy.ApprovalsRequired[tool]; {
		case n < 1:
			return where.Errorf("%s=%d would need nobody; write 1 or more", tool, n)
		case n > confirm.MaxApprovals:
			return where.Errorf("%s=%d is too many; write %d or less", tool, n, confirm.MaxApprovals)
		}
	}
	return nil
}

const (
	// minExpiry leaves a person the time to see that they are asked at all.
	minExpiry = time.Second
	// maxExpiry bounds how long a change may wait, since the live state it was planned against grows old.
	maxExpiry = 7 * 24 * time.Hour
)

func (c *Config) checkLimits() error {
	if d := c.Policy.Expires; d != nil && (*d < minExpiry || *d > maxExpiry) {
		return c.OriginOf("policy.expires").Errorf("%s is out of bounds; write a duration from %s to %s, such as 15m", *d, minExpiry, maxExpiry)
	}
	if n := c.Policy.MaxScansPerDelete; n != nil && *n < 1 {
		return c.OriginOf("policy.max_scans_per_delete").Errorf("%d is too small; write 1 or more", *n)
	}
	if n := c.Policy.MaxAddressesPerScan; n != nil && *n < 1 {
		return c.OriginOf("policy.max_addresses_per_scan").Errorf("%d is too small; write 1 or more", *n)
	}
	return nil
}

func (c *Config) checkCredentials() error {
	named := c.NamedCredentials(unreadField)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if err := named[name].Check(name); err != nil {
			return c.OriginOf("credentials", name).Errorf("%w", err)
		}
	}
	return nil
}

// unreadField is a field of a credential that is only looked at, not read.
func unreadField(ref SecretRef) tools.CredentialField {
	if ref == (SecretRef{}) {
		return tools.CredentialField{}
	}
	return tools.CredentialField{From: ref.Location(), Read: func(context.Context) (defender.Secret, error) {
		return defender.Secret{}, errors.New("secrets are not read while the configuration is checked")
	}}
}

func (c *Config) checkLogs() error {
	if _, err := parseLogLevel(c.LogLevel); err != nil {
		return err
	}
	switch c.LogFormat {
	case "", "text", "json":
		return nil
	}
	return fmt.Errorf("SCANWARDEN_LOG_FORMAT: %q is not a format; set it to text or json", c.LogFormat)
}
