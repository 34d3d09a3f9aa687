package config

import (
	"errors"
	"fmt"
	"net/url"
	"scanwarden/defender"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A setting is one flat name of the outside contract: an environment variable and, unless it is a secret,
// the flag of the same name (SCANWARDEN_PUBLIC_URL is --public-url, AZURE_TENANT_ID is --tenant-id).
type Setting struct {
	Env    string
	Key    string // of the same in the file, "" where it has none
	Secret bool   // by environment or file only, never by flag: process lists show flags
	set    func(c *Config, value string) error
}

// Settings is every flat name there is. Flags and environment both go through it, so they cannot disagree.
var Settings = []Setting{
	{Env: "AZURE_TENANT_ID", set: stringSetter(func(c *Config) *string { return &c.Azure.Tenant })},
	{Env: "AZURE_CLIENT_ID", set: stringSetter(func(c *Config) *string { return &c.Azure.Client })},
	{Env: "AZURE_CLIENT_SECRET", Secret: true, set: secretSetter(func(c *Config) *defender.Secret { return &c.Azure.Secret })},
	{Env: "AZURE_CLIENT_CERTIFICATE_PATH", set: stringSetter(func(c *Config) *string { return &c.Azure.Certificate })},
	{Env: "AZURE_FEDERATED_TOKEN_FILE", set: stringSetter(func(c *Config) *string { return &c.Azure.TokenFile })},
	{Env: "AZURE_AUTHORITY_HOST", set: stringSetter(func(c *Config) *string { return &c.Azure.Authority })},
	{Env: "SCANWARDEN_AUTH", Key: "auth", set: stringSetter(func(c *Config) *string { return &c.Auth })},
	{Env: "SCANWARDEN_WRITE_CLIENT_ID", set: stringSetter(func(c *Config) *string { return &c.Write.Client })},
	{Env: "SCANWARDEN_WRITE_CLIENT_SECRET", Secret: true, set: secretSetter(func(c *Config) *defender.Secret { return &c.Write.Secret })},
	{Env: "SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH", set: stringSetter(func(c *Config) *string { return &c.Write.Certificate })},
	{Env: "SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE", set: stringSetter(func(c *Config) *string { return &c.Write.TokenFile })},
	{Env: "SCANWARDEN_READ_ONLY", Key: "read_only", set: boolSetter(func(c *Config) *bool { return &c.ReadOnly })},
	{Env: "SCANWARDEN_CLOUD", Key: "defender.cloud", set: stringSetter(func(c *Config) *string { return &c.Defender.Cloud })},
	{Env: "SCANWARDEN_REGION", Key: "defender.region", set: stringSetter(func(c *Config) *string { return &c.Defender.Region })},
	{Env: "SCANWARDEN_DEFENDER_URL", Key: "defender.url", set: stringSetter(func(c *Config) *string { return &c.Defender.URL })},
	{Env: "SCANWARDEN_DEFENDER_SCOPE", Key: "defender.scope", set: stringSetter(func(c *Config) *string { return &c.Defender.Scope })},
	{Env: "SCANWARDEN_STATE_DIR", set: stringSetter(func(c *Config) *string { return &c.StateDir })},
	{Env: "SCANWARDEN_DATABASE_URL", Key: "database_url", set: stringSetter(func(c *Config) *string { return &c.DatabaseURL })},
	{Env: "SCANWARDEN_CONFIRM_WITH", Key: "confirm_with", set: listSetter(func(c *Config) *[]string { return &c.ConfirmWith })},
	{Env: "SCANWARDEN_APPROVERS", Key: "policy.approvers", set: listSetter(func(c *Config) *[]string { return &c.Policy.Approvers })},
	{Env: "SCANWARDEN_REQUESTERS", Key: "policy.requesters", set: listSetter(func(c *Config) *[]string { return &c.Policy.Requesters })},
	{Env: "SCANWARDEN_SELF_APPROVAL", Key: "policy.self_approval", set: boolSetter(func(c *Config) *bool { return &c.Policy.SelfApproval })},
	{Env: "SCANWARDEN_APPROVALS_REQUIRED", Key: "policy.approvals_required", set: setApprovalsRequired},
	{Env: "SCANWARDEN_EXPIRES", Key: "policy.expires", set: setExpires},
	{Env: "SCANWARDEN_MAX_SCANS_PER_DELETE", Key: "policy.max_scans_per_delete", set: intSetter(func(c *Config) **int { return &c.Policy.MaxScansPerDelete })},
	{Env: "SCANWARDEN_MAX_ADDRESSES_PER_SCAN", Key: "policy.max_addresses_per_scan", set: intSetter(func(c *Config) **int { return &c.Policy.MaxAddressesPerScan })},
	{Env: "SCANWARDEN_LISTEN", Key: "http.listen", set: stringSetter(func(c *Config) *string { return &c.HTTP.Listen })},
	{Env: "SCANWARDEN_PUBLIC_URL", Key: "http.public_url", set: stringSetter(func(c *Config) *string { return &c.HTTP.PublicURL })},
	{Env: "SCANWARDEN_HTTP_AUTH", Key: "http.auth", set: stringSetter(func(c *Config) *string { return &c.HTTP.Auth })},
	{Env: "SCANWARDEN_HTTP_TOKEN", Secret: true, set: secretSetter(func(c *Config) *defender.Secret { return &c.HTTP.Token })},
	{Env: "SCANWARDEN_HTTP_CLIENT_ID", Key: "http.client_id", set: stringSetter(func(c *Config) *string { return &c.HTTP.ClientID })},
	{Env: "SCANWARDEN_HTTP_OAUTH_FACADE", Key: "http.oauth_facade", set: boolSetter(func(c *Config) *bool { return &c.HTTP.OAuthFacade })},
	{Env: "SCANWARDEN_SLACK_MATCH_EMAIL", Key: "slack.match_email", set: boolSetter(func(c *Config) *bool { return &c.Slack.MatchEmail })},
	{Env: "SCANWARDEN_SLACK_LINK_ACCOUNTS", Key: "slack.link_accounts", set: boolSetter(func(c *Config) *bool { return &c.Slack.LinkAccounts })},
	{Env: "SCANWARDEN_SLACK_CHANNEL", Key: "slack.channel", set: stringSetter(func(c *Config) *string { return &c.Slack.Channel })},
	{Env: "SLACK_BOT_TOKEN", Secret: true, set: secretSetter(func(c *Config) *defender.Secret { return &c.Slack.BotToken })},
	{Env: "SLACK_APP_TOKEN", Secret: true, set: secretSetter(func(c *Config) *defender.Secret { return &c.Slack.AppToken })},
	{Env: "SLACK_SIGNING_SECRET", Secret: true, set: secretSetter(func(c *Config) *defender.Secret { return &c.Slack.SigningSecret })},
	{Env: "SLACK_API_URL", set: stringSetter(func(c *Config) *string { return &c.Slack.API })},
	{Env: "SCANWARDEN_LOG_LEVEL", set: stringSetter(func(c *Config) *string { return &c.LogLevel })},
	{Env: "SCANWARDEN_LOG_FORMAT", set: stringSetter(func(c *Config) *string { return &c.LogFormat })},
}

// applyEnvironment lays the environment over what the file said. An empty value is no value.
func (c *Config) applyEnvironment(env Environment) error {
	for _, s := range Settings {
		if value := env[s.Env]; value != "" {
			if err := s.set(c, value); err != nil {
				return fmt.Errorf("%s: %w", s.Env, err)
			}
			c.recordOverride(s.Key, s.Env)
		}
	}
	return nil
}

// applyFlags lays the flags over both.
func (c *Config) applyFlags(flags map[string]string) error {
	for _, s := range Settings {
		if value, given := flags[s.Env]; given {
			if err := s.set(c, value); err != nil {
				return fmt.Errorf("--%s: %w", s.FlagName(), err)
			}
			c.recordOverride(s.Key, "--"+s.FlagName())
		}
	}
	if u, err := url.Parse(flags["SCANWARDEN_DATABASE_URL"]); err == nil && u.User != nil {
		if _, secret := u.User.Password(); secret {
			return errors.New("--database-url: a password does not belong on a command line, where every process sees it; give the URL as SCANWARDEN_DATABASE_URL")
		}
	}
	return nil
}

func (s Setting) FlagName() string {
	name := strings.TrimPrefix(strings.TrimPrefix(s.Env, envPrefix), "AZURE_")
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

func stringSetter(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		*field(c) = value
		return nil
	}
}

func secretSetter(field func(*Config) *defender.Secret) func(*Config, string) error {
	return func(c *Config, value string) error {
		*field(c) = defender.NewSecret(value)
		return nil
	}
}

func listSetter(field func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, value string) error {
		entries := splitCommas(value)
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

func intSetter(field func(*Config) **int) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is not a whole number; write one, such as 50", value)
		}
		*field(c) = &n
		return nil
	}
}

func boolSetter(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, value string) error {
		yes, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false; write one of them", value)
		}
		*field(c) = yes
		return nil
	}
}

func setExpires(c *Config, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("%q is not a duration; write one, such as 15m", value)
	}
	c.Policy.Expires = &d
	return nil
}

func setApprovalsRequired(c *Config, value string) error {
	required := map[string]int{}
	for _, entry := range splitCommas(value) {
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

// splitCommas splits a list as the environment writes it; spaces around an entry and empty entries fall away.
func splitCommas(value string) []string {
	entries := strings.Split(value, ",")
	for i := range entries {
		entries[i] = strings.TrimSpace(entries[i])
	}
	return slices.DeleteFunc(entries, func(entry string) bool { return entry == "" })
}
