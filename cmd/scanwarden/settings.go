package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"scanwarden/defender"
)

// A setting is one flat name of the outside contract: an environment variable and, unless it is a secret,
// the flag of the same name (SCANWARDEN_PUBLIC_URL is --public-url, AZURE_TENANT_ID is --tenant-id).
type setting struct {
	env    string
	key    string // of the same in the file, "" where it has none
	secret bool   // by environment or file only, never by flag: process lists show flags
	set    func(c *config, value string) error
}

// settings is every flat name there is. Flags and environment both go through it, so they cannot disagree.
var settings = []setting{
	{env: "AZURE_TENANT_ID", set: text(func(c *config) *string { return &c.Azure.Tenant })},
	{env: "AZURE_CLIENT_ID", set: text(func(c *config) *string { return &c.Azure.Client })},
	{env: "AZURE_CLIENT_SECRET", secret: true, set: hidden(func(c *config) *defender.Secret { return &c.Azure.Secret })},
	{env: "AZURE_CLIENT_CERTIFICATE_PATH", set: text(func(c *config) *string { return &c.Azure.Certificate })},
	{env: "AZURE_FEDERATED_TOKEN_FILE", set: text(func(c *config) *string { return &c.Azure.TokenFile })},
	{env: "AZURE_AUTHORITY_HOST", set: text(func(c *config) *string { return &c.Azure.Authority })},
	{env: "SCANWARDEN_AUTH", key: "auth", set: text(func(c *config) *string { return &c.Auth })},
	{env: "SCANWARDEN_WRITE_CLIENT_ID", set: text(func(c *config) *string { return &c.Write.Client })},
	{env: "SCANWARDEN_WRITE_CLIENT_SECRET", secret: true, set: hidden(func(c *config) *defender.Secret { return &c.Write.Secret })},
	{env: "SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH", set: text(func(c *config) *string { return &c.Write.Certificate })},
	{env: "SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE", set: text(func(c *config) *string { return &c.Write.TokenFile })},
	{env: "SCANWARDEN_READ_ONLY", key: "read_only", set: yesOrNo(func(c *config) *bool { return &c.ReadOnly })},
	{env: "SCANWARDEN_CLOUD", key: "defender.cloud", set: text(func(c *config) *string { return &c.Defender.Cloud })},
	{env: "SCANWARDEN_REGION", key: "defender.region", set: text(func(c *config) *string { return &c.Defender.Region })},
	{env: "SCANWARDEN_DEFENDER_URL", key: "defender.url", set: text(func(c *config) *string { return &c.Defender.URL })},
	{env: "SCANWARDEN_DEFENDER_SCOPE", key: "defender.scope", set: text(func(c *config) *string { return &c.Defender.Scope })},
	{env: "SCANWARDEN_STATE_DIR", set: text(func(c *config) *string { return &c.StateDir })},
	{env: "SCANWARDEN_DATABASE_URL", key: "database_url", set: text(func(c *config) *string { return &c.DatabaseURL })},
	{env: "SCANWARDEN_CONFIRM_WITH", key: "confirm_with", set: list(func(c *config) *[]string { return &c.ConfirmWith })},
	{env: "SCANWARDEN_APPROVERS", key: "policy.approvers", set: list(func(c *config) *[]string { return &c.Policy.Approvers })},
	{env: "SCANWARDEN_REQUESTERS", key: "policy.requesters", set: list(func(c *config) *[]string { return &c.Policy.Requesters })},
	{env: "SCANWARDEN_SELF_APPROVAL", key: "policy.self_approval", set: yesOrNo(func(c *config) *bool { return &c.Policy.SelfApproval })},
	{env: "SCANWARDEN_APPROVALS_REQUIRED", key: "policy.approvals_required", set: setApprovalsRequired},
	{env: "SCANWARDEN_EXPIRES", key: "policy.expires", set: setExpires},
	{env: "SCANWARDEN_MAX_SCANS_PER_DELETE", key: "policy.max_scans_per_delete", set: number(func(c *config) **int { return &c.Policy.MaxScansPerDelete })},
	{env: "SCANWARDEN_MAX_ADDRESSES_PER_SCAN", key: "policy.max_addresses_per_scan", set: number(func(c *config) **int { return &c.Policy.MaxAddressesPerScan })},
	{env: "SCANWARDEN_LISTEN", key: "http.listen", set: text(func(c *config) *string { return &c.HTTP.Listen })},
	{env: "SCANWARDEN_PUBLIC_URL", key: "http.public_url", set: text(func(c *config) *string { return &c.HTTP.PublicURL })},
	{env: "SCANWARDEN_HTTP_AUTH", key: "http.auth", set: text(func(c *config) *string { return &c.HTTP.Auth })},
	{env: "SCANWARDEN_HTTP_TOKEN", secret: true, set: hidden(func(c *config) *defender.Secret { return &c.HTTP.Token })},
	{env: "SCANWARDEN_HTTP_CLIENT_ID", key: "http.client_id", set: text(func(c *config) *string { return &c.HTTP.ClientID })},
	{env: "SCANWARDEN_HTTP_OAUTH_FACADE", key: "http.oauth_facade", set: yesOrNo(func(c *config) *bool { return &c.HTTP.OAuthFacade })},
	{env: "SCANWARDEN_SLACK_MATCH_EMAIL", key: "slack.match_email", set: yesOrNo(func(c *config) *bool { return &c.Slack.MatchEmail })},
	{env: "SCANWARDEN_SLACK_LINK_ACCOUNTS", key: "slack.link_accounts", set: yesOrNo(func(c *config) *bool { return &c.Slack.LinkAccounts })},
	{env: "SCANWARDEN_SLACK_CHANNEL", key: "slack.channel", set: text(func(c *config) *string { return &c.Slack.Channel })},
	{env: "SLACK_BOT_TOKEN", secret: true, set: hidden(func(c *config) *defender.Secret { return &c.Slack.BotToken })},
	{env: "SLACK_APP_TOKEN", secret: true, set: hidden(func(c *config) *defender.Secret { return &c.Slack.AppToken })},
	{env: "SLACK_SIGNING_SECRET", secret: true, set: hidden(func(c *config) *defender.Secret { return &c.Slack.SigningSecret })},
	{env: "SLACK_API_URL", set: text(func(c *config) *string { return &c.Slack.API })},
	{env: "SCANWARDEN_LOG_LEVEL", set: text(func(c *config) *string { return &c.LogLevel })},
	{env: "SCANWARDEN_LOG_FORMAT", set: text(func(c *config) *string { return &c.LogFormat })},
}

// fromEnvironment lays the environment over what the file said. An empty value is no value.
func (c *config) fromEnvironment(env environment) error {
	for _, s := range settings {
		if value := env[s.env]; value != "" {
			if err := s.set(c, value); err != nil {
				return fmt.Errorf("%s: %w", s.env, err)
			}
			c.wins(s.key, s.env)
		}
	}
	return nil
}

// fromFlags lays the flags over both.
func (c *config) fromFlags(flags map[string]string) error {
	for _, s := range settings {
		if value, given := flags[s.env]; given {
			if err := s.set(c, value); err != nil {
				return fmt.Errorf("--%s: %w", s.flag(), err)
			}
			c.wins(s.key, "--"+s.flag())
		}
	}
	if u, err := url.Parse(flags["SCANWARDEN_DATABASE_URL"]); err == nil && u.User != nil {
		if _, secret := u.User.Password(); secret {
			return errors.New("--database-url: a password does not belong on a command line, where every process sees it; give the URL as SCANWARDEN_DATABASE_URL")
		}
	}
	return nil
}

func (s setting) flag() string {
	name := strings.TrimPrefix(strings.TrimPrefix(s.env, prefix), "AZURE_")
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

func text(field func(*config) *string) func(*config, string) error {
	return func(c *config, value string) error {
		*field(c) = value
		return nil
	}
}

func hidden(field func(*config) *defender.Secret) func(*config, string) error {
	return func(c *config, value string) error {
		*field(c) = defender.NewSecret(value)
		return nil
	}
}

func list(field func(*config) *[]string) func(*config, string) error {
	return func(c *config, value string) error {
		entries := commaSeparated(value)
		if len(entries) == 0 {
			return errEmptyList
		}
		*field(c) = entries
		return nil
	}
}

// errEmptyList keeps a value such as "," (two variables that were joined, both unset) from taking away what the
// file restricts.
var errEmptyList = errors.New("the list has commas or blanks and no entry; write entries between the commas, or unset it")

func number(field func(*config) **int) func(*config, string) error {
	return func(c *config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is not a whole number; write one, such as 50", value)
		}
		*field(c) = &n
		return nil
	}
}

func yesOrNo(field func(*config) *bool) func(*config, string) error {
	return func(c *config, value string) error {
		yes, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false; write one of them", value)
		}
		*field(c) = yes
		return nil
	}
}

func setExpires(c *config, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("%q is not a duration; write one, such as 15m", value)
	}
	c.Policy.Expires = &d
	return nil
}

func setApprovalsRequired(c *config, value string) error {
	required := map[string]int{}
	for _, entry := range commaSeparated(value) {
		tool, count, _ := strings.Cut(entry, "=")
		tool = strings.TrimSpace(tool)
		n, err := strconv.Atoi(strings.TrimSpace(count))
		if err != nil {
			return fmt.Errorf("%q is not TOOL=NUMBER; write, for example, delete_scans=2", entry)
		}
		if _, twice := required[tool]; twice {
			return fmt.Errorf("%s stands there twice; keep one number for it", tool)
		}
		required[tool] = n
	}
	if len(required) == 0 {
		return errEmptyList
	}
	c.Policy.ApprovalsRequired = required
	return nil
}

// commaSeparated splits a list as the environment writes it; spaces around an entry and empty entries fall away.
func commaSeparated(value string) []string {
	entries := strings.Split(value, ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	return slices.DeleteFunc(entries, func(entry string) bool { return entry == "" })
}
