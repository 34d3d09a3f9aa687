package main

import (
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
func (c *config) validate() []error {
	var mistakes []error
	for _, check := range []func() error{
		c.checkSignIn, c.checkEndpoints, c.checkLedger, c.checkSlack, c.checkLink, c.checkChannels, c.checkApprovers,
		c.checkRules, c.checkPeople, c.checkRequired, c.checkLimits, c.checkCredentials, c.checkHTTP, c.checkLogs,
	} {
		if err := check(); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	return mistakes
}

func (c *config) checkEndpoints() error {
	_, err := c.endpoints()
	return err
}

// endpoints is where Defender and Entra are. The built-in simulator's address is known only once it listens.
func (c *config) endpoints() (defender.Endpoints, error) {
	e, err := defender.EndpointsFor(c.Defender.Cloud, c.Defender.Region)
	if err != nil {
		return e, c.at(c.contradicted()).wrong("%w", err)
	}
	if c.Defender.URL != "" {
		if err := defender.CheckURL(c.Defender.URL); err != nil {
			return e, c.at("defender.url").wrong("%w", err)
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

// contradicted is the setting to correct where cloud and region do not go together: the one that is named.
func (c *config) contradicted() string {
	if c.Defender.Region != "" {
		return "defender.region"
	}
	return "defender.cloud"
}

// authorityHost accepts what the Azure SDKs accept: a URL with or without a slash at its end, or the host alone.
func (c *config) authorityHost() string {
	return strings.TrimRight(strings.TrimPrefix(c.Azure.Authority, "https://"), "/")
}

func (c *config) checkLedger() error {
	kind, rest, _ := strings.Cut(c.DatabaseURL, ":")
	switch {
	case c.DatabaseURL == "", kind == "sqlite" && rest != "":
		return nil
	case (kind == "postgres" || kind == "postgresql") && strings.HasPrefix(rest, "//"):
		return nil
	}
	// The value may hold a password: do not repeat it.
	return c.at("database_url").wrong("write sqlite:PATH or postgres://USER@HOST/DATABASE")
}

func (c *config) checkChannels() error {
	for i, channel := range c.ConfirmWith {
		where := c.at("confirm_with", i)
		switch confirm.Channel(channel) {
		case confirm.Client:
		case confirm.Slack:
			if !c.slackConfigured() {
				return where.wrong("slack is named, and Slack is not configured; set SLACK_BOT_TOKEN and SLACK_APP_TOKEN (or SLACK_SIGNING_SECRET)")
			}
		default:
			return where.wrong("%q is not a channel; use client or slack", channel)
		}
	}
	return nil
}

// channels are where changes are put to people, all of them at once.
func (c *config) channels() []confirm.Channel {
	if len(c.ConfirmWith) == 0 {
		if c.slackConfigured() {
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

func (c *config) checkApprovers() error {
	for i, approver := range c.Policy.Approvers {
		if err := checkPrincipal(approver, principalForms); err != nil {
			return c.at("policy.approvers", i).wrong("%w", err)
		}
	}
	for i, requester := range c.Policy.Requesters {
		if err := checkPrincipal(requester, principalForms); err != nil {
			return c.at("policy.requesters", i).wrong("%w", err)
		}
	}
	return nil
}

// checkRules compiles the rules of the policy; a mistake is told with its line and column.
func (c *config) checkRules() error {
	if len(c.Policy.Rules) == 0 {
		return nil // the compiler is not even begun
	}
	sources := make([]rule.Source, len(c.Policy.Rules))
	for i, r := range c.Policy.Rules {
		sources[i] = rule.Source{
			Name: r.Name, When: r.When.text, Approvals: r.Approvals, Refuse: r.Refuse, Line: r.When.line, Column: r.When.column, Folds: r.When.folds,
		}
	}
	operations, err := proposing()
	if err != nil {
		return err
	}
	if c.rules, err = rule.Compile(sources, operations...); err != nil {
		return fmt.Errorf("configuration file %s: policy.rules: %w", c.path, err)
	}
	return nil
}

// proposing names the operations that change Defender.
func proposing() ([]string, error) {
	operations, err := tools.Catalogue(nil)
	var names []string
	for _, op := range operations {
		if op.Effect == tools.Proposes {
			names = append(names, op.Name)
		}
	}
	return names, err
}

func (c *config) checkRequired() error {
	if len(c.Policy.ApprovalsRequired) == 0 {
		return nil
	}
	operations, err := proposing()
	if err != nil {
		return err
	}
	for _, tool := range slices.Sorted(maps.Keys(c.Policy.ApprovalsRequired)) {
		where := c.at("policy.approvals_required", tool)
		if !slices.Contains(operations, tool) {
			return where.wrong("%s", unlikeTool(tool, operations))
		}
		switch n := c.Policy.ApprovalsRequired[tool]; {
		case n < 1:
			return where.wrong("%s=%d would need nobody; write 1 or more", tool, n)
		case n > confirm.MaxApprovals:
			return where.wrong("%s=%d is too many; write %d or less", tool, n, confirm.MaxApprovals)
		}
	}
	return nil
}

const (
	// shortestExpiry leaves a person the time to see that they are asked at all.
	shortestExpiry = time.Second
	// longestExpiry bounds how long a change may wait, since the live state it was planned against grows old.
	longestExpiry = 7 * 24 * time.Hour
)

func (c *config) checkLimits() error {
	if d := c.Policy.Expires; d != nil && (*d < shortestExpiry || *d > longestExpiry) {
		return c.at("policy.expires").wrong("%s is out of bounds; write a duration from %s to %s, such as 15m", *d, shortestExpiry, longestExpiry)
	}
	if n := c.Policy.MaxScansPerDelete; n != nil && *n < 1 {
		return c.at("policy.max_scans_per_delete").wrong("%d is too small; write 1 or more", *n)
	}
	if n := c.Policy.MaxAddressesPerScan; n != nil && *n < 1 {
		return c.at("policy.max_addresses_per_scan").wrong("%d is too small; write 1 or more", *n)
	}
	return nil
}

func (c *config) checkCredentials() error {
	named := c.credentials(source{})
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if err := named[name].Check(name); err != nil {
			return c.at("credentials", name).wrong("%w", err)
		}
	}
	return nil
}

func (c *config) checkLogs() error {
	if _, err := logLevel(c.LogLevel); err != nil {
		return err
	}
	switch c.LogFormat {
	case "", "text", "json":
		return nil
	}
	return fmt.Errorf("SCANWARDEN_LOG_FORMAT: %q is not a format; set it to text or json", c.LogFormat)
}
