package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"scanwarden/defender"
)

// Setting is one value that a user can give by an environment variable and, unless it is a secret, by a flag.
type Setting struct {
	Env     string // name of the environment variable
	Key     string // path in the configuration file, "" if the file has no such key
	Group   Group
	Arg     string   // placeholder for the value in help; "" for a boolean
	Help    string   // one phrase or sentence
	Default string   // what an unset value means, for help; "" if that is nothing or false
	Values  []string // the values that shells complete
	Secret  bool     // by environment or file only: process lists show flags

	set func(c *Config, value string) error
}

// Group is what a setting is about. A command offers the flags of the groups that it reads.
type Group string

// The groups of settings.
const (
	GroupTenant Group = "tenant"
	GroupPolicy Group = "policy"
	GroupLedger Group = "ledger"
	GroupHTTP   Group = "http"
	GroupSlack  Group = "slack"
)

// Settings lists every setting that has an environment variable. Flags and environment both go through it, so that they
// cannot disagree.
var Settings = []Setting{
	{Env: "AZURE_TENANT_ID", Group: GroupTenant, Arg: "ID", Help: "Entra tenant.",
		set: stringSetter(func(c *Config) *string { return &c.Azure.Tenant })},
	{Env: "AZURE_CLIENT_ID", Group: GroupTenant, Arg: "ID", Help: "App registration.",
		set: stringSetter(func(c *Config) *string { return &c.Azure.Client })},
	{Env: "AZURE_CLIENT_SECRET", Group: GroupTenant, Secret: true, Help: "Client secret of the app registration.",
		set: secretSetter(func(c *Config) *defender.Secret { return &c.Azure.Secret })},
	{Env: "AZURE_CLIENT_CERTIFICATE_PATH", Group: GroupTenant, Arg: "FILE", Help: "PEM file with private key and certificate, instead of a client secret.",
		set: stringSetter(func(c *Config) *string { return &c.Azure.Certificate })},
	{Env: "AZURE_FEDERATED_TOKEN_FILE", Group: GroupTenant, Arg: "FILE", Help: "File with a workload identity token, instead of a client secret.",
		set: stringSetter(func(c *Config) *string { return &c.Azure.TokenFile })},
	{Env: "AZURE_AUTHORITY_HOST", Group: GroupTenant, Arg: "URL", Help: "Sign-in host of Entra ID.", Default: "the cloud's own",
		set: stringSetter(func(c *Config) *string { return &c.Azure.Authority })},
	{Env: "SCANWARDEN_AUTH", Key: "auth", Group: GroupTenant, Arg: "MODE", Help: "How to sign in to Entra ID: client, managed-identity, device-code, interactive or on-behalf-of.", Default: "client",
		Values: authModes, set: stringSetter(func(c *Config) *string { return &c.Auth })},
	{Env: "SCANWARDEN_WRITE_CLIENT_ID", Group: GroupTenant, Arg: "ID", Help: "A second app registration that writes; the first one then only reads.",
		set: stringSetter(func(c *Config) *string { return &c.Write.Client })},
	{Env: "SCANWARDEN_WRITE_CLIENT_SECRET", Group: GroupTenant, Secret: true, Help: "Client secret of the second app registration.",
		set: secretSetter(func(c *Config) *defender.Secret { return &c.Write.Secret })},
	{Env: "SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH", Group: GroupTenant, Arg: "FILE", Help: "PEM file with private key and certificate of the second app registration.",
		set: stringSetter(func(c *Config) *string { return &c.Write.Certificate })},
	{Env: "SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE", Group: GroupTenant, Arg: "FILE", Help: "File with a workload identity token of the second app registration.",
		set: stringSetter(func(c *Config) *string { return &c.Write.TokenFile })},
	{Env: "SCANWARDEN_READ_ONLY", Key: "read_only", Group: GroupTenant, Help: "Offer nothing that changes Defender.",
		set: boolSetter(func(c *Config) *bool { return &c.ReadOnly })},
	{Env: "SCANWARDEN_CLOUD", Key: "defender.cloud", Group: GroupTenant, Arg: "CLOUD", Help: "Microsoft cloud: commercial, gcc, gcc-high or dod.", Default: "commercial",
		Values: []string{"commercial", "gcc", "gcc-high", "dod"}, set: stringSetter(func(c *Config) *string { return &c.Defender.Cloud })},
	{Env: "SCANWARDEN_REGION", Key: "defender.region", Group: GroupTenant, Arg: "REGION", Help: "Region of the Defender host: us, eu, uk, au, swa or ina.", Default: "the host for all regions",
		Values: []string{"us", "eu", "uk", "au", "swa", "ina"}, set: stringSetter(func(c *Config) *string { return &c.Defender.Region })},
	{Env: "SCANWARDEN_DEFENDER_URL", Key: "defender.url", Group: GroupTenant, Arg: "URL", Help: "Another Defender host; plain http to loopback only.",
		set: stringSetter(func(c *Config) *string { return &c.Defender.URL })},
	{Env: "SCANWARDEN_DEFENDER_SCOPE", Key: "defender.scope", Group: GroupTenant, Arg: "SCOPE", Help: "Another token scope for Defender.",
		set: stringSetter(func(c *Config) *string { return &c.Defender.Scope })},

	{Env: "SCANWARDEN_CONFIRM_WITH", Key: "confirm_with", Group: GroupPolicy, Arg: "CHANNELS", Help: "Where approvers are asked, all at once: client, page, slack, terminal.", Default: "slack if it is configured, else client; page and terminal where the client cannot ask",
		Values: []string{"client", "page", "slack", "terminal", "client,slack", "page,terminal"}, set: listSetter(func(c *Config) *[]string { return &c.ConfirmWith })},
	{Env: "SCANWARDEN_BROWSER", Key: "browser", Group: GroupPolicy, Arg: "PROGRAM", Help: "Program that opens the page of a change on this machine, with its address as the only argument; none never opens one.", Default: "the user's browser",
		Values: []string{"none"}, set: stringSetter(func(c *Config) *string { return &c.Browser })},
	{Env: "SCANWARDEN_APPROVERS", Key: "policy.approvers", Group: GroupPolicy, Arg: "PRINCIPALS", Help: "Who may confirm changes, such as token:ada,local:grace.",
		set: listSetter(func(c *Config) *[]string { return &c.Policy.Approvers })},
	{Env: "SCANWARDEN_REQUESTERS", Key: "policy.requesters", Group: GroupPolicy, Arg: "PRINCIPALS", Help: "Who may propose changes.", Default: "all callers; with Entra ID those with the role Scans.Requester",
		set: listSetter(func(c *Config) *[]string { return &c.Policy.Requesters })},
	{Env: "SCANWARDEN_SELF_APPROVAL", Key: "policy.self_approval", Group: GroupPolicy, Help: "Approvers may confirm changes that they requested themselves.",
		set: boolSetter(func(c *Config) *bool { return &c.Policy.SelfApproval })},
	{Env: "SCANWARDEN_APPROVALS_REQUIRED", Key: "policy.approvals_required", Group: GroupPolicy, Arg: "TOOL=N", Help: "How many approvers an operation needs, such as delete_scans=2.", Default: "1",
		set: setApprovalsRequired},
	{Env: "SCANWARDEN_EXPIRES", Key: "policy.expires", Group: GroupPolicy, Arg: "DURATION", Help: "How long a change waits for its approvers, such as 15m. 1s to 168h.", Default: "15m",
		set: durationSetter(func(c *Config) **time.Duration { return &c.Policy.Expires }, expiresForm)},
	{Env: "SCANWARDEN_MAX_SCANS_PER_DELETE", Key: "policy.max_scans_per_delete", Group: GroupPolicy, Arg: "N", Help: "Most scans in one delete.", Default: "50",
		set: intSetter(func(c *Config) **int { return &c.Policy.MaxScansPerDelete })},
	{Env: "SCANWARDEN_MAX_OPEN_CHANGES", Key: "policy.max_open_changes", Group: GroupPolicy, Arg: "N", Help: "Most changes of one requester that wait for an approver at once.", Default: "20",
		set: intSetter(func(c *Config) **int { return &c.Policy.MaxOpenChanges })},
	{Env: "SCANWARDEN_MAX_ADDRESSES_PER_SCAN", Key: "policy.max_addresses_per_scan", Group: GroupPolicy, Arg: "N", Help: "Most addresses in one scan.", Default: "4096",
		set: intSetter(func(c *Config) **int { return &c.Policy.MaxAddressesPerScan })},

	{Env: "SCANWARDEN_LISTEN", Key: "http.listen", Group: GroupHTTP, Arg: "HOST:PORT", Help: "Address to listen on.", Default: defaultListen,
		set: stringSetter(func(c *Config) *string { return &c.HTTP.Listen })},
	{Env: "SCANWARDEN_PUBLIC_URL", Key: "http.public_url", Group: GroupHTTP, Arg: "URL", Help: "The URL that callers use, if a proxy is in between.",
		set: stringSetter(func(c *Config) *string { return &c.HTTP.PublicURL })},
	{Env: "SCANWARDEN_HTTP_AUTH", Key: "http.auth", Group: GroupHTTP, Arg: "MODE", Help: "How callers authenticate: entra, token (with $SCANWARDEN_HTTP_TOKEN), none on loopback, slack, entra,slack or token,slack.", Default: "token if one is configured",
		Values: httpAuthModes, set: stringSetter(func(c *Config) *string { return &c.HTTP.Auth })},
	{Env: "SCANWARDEN_HTTP_TOKEN", Group: GroupHTTP, Secret: true, Help: "The bearer token of callers, 16 characters or more.",
		set: secretSetter(func(c *Config) *defender.Secret { return &c.HTTP.Token })},
	{Env: "SCANWARDEN_HTTP_AGENT_TOKENS", Key: "http.agent_tokens", Group: GroupHTTP, Arg: "NAMES", Help: "Names in http.tokens (or default) of tokens that agents hold: they may propose changes and never decide.",
		set: listSetter(func(c *Config) *[]string { return &c.HTTP.AgentTokens })},
	{Env: "SCANWARDEN_HTTP_CLIENT_ID", Key: "http.client_id", Group: GroupHTTP, Arg: "ID", Help: "App registration that tokens of Entra callers are for.", Default: "$AZURE_CLIENT_ID",
		set: stringSetter(func(c *Config) *string { return &c.HTTP.ClientID })},
	{Env: "SCANWARDEN_HTTP_OAUTH_FACADE", Key: "http.oauth_facade", Group: GroupHTTP, Help: "Serve OAuth metadata that lists S256, for clients that require it.",
		set: boolSetter(func(c *Config) *bool { return &c.HTTP.OAuthFacade })},

	{Env: "SCANWARDEN_SLACK_MATCH_EMAIL", Key: "slack.match_email", Group: GroupSlack, Help: "Link a Slack user to the one person of the file with the same e-mail address.",
		set: boolSetter(func(c *Config) *bool { return &c.Slack.MatchEmail })},
	{Env: "SCANWARDEN_SLACK_LINK_ACCOUNTS", Key: "slack.link_accounts", Group: GroupSlack, Help: "Let Slack users link their Entra account at PUBLIC_URL/link.",
		set: boolSetter(func(c *Config) *bool { return &c.Slack.LinkAccounts })},
	{Env: "SCANWARDEN_SLACK_CHANNEL", Key: "slack.channel", Group: GroupSlack, Arg: "ID", Help: "The channel in which approvers are asked.", Default: "direct messages to the approvers",
		set: stringSetter(func(c *Config) *string { return &c.Slack.Channel })},
	{Env: "SLACK_BOT_TOKEN", Group: GroupSlack, Secret: true, Help: "Bot token of the Slack app (xoxb-).",
		set: secretSetter(func(c *Config) *defender.Secret { return &c.Slack.BotToken })},
	{Env: "SLACK_APP_TOKEN", Group: GroupSlack, Secret: true, Help: "App-level token (xapp-) for socket mode.",
		set: secretSetter(func(c *Config) *defender.Secret { return &c.Slack.AppToken })},
	{Env: "SLACK_SIGNING_SECRET", Group: GroupSlack, Secret: true, Help: "Signing secret of the Slack app, for requests over HTTP.",
		set: secretSetter(func(c *Config) *defender.Secret { return &c.Slack.SigningSecret })},
	{Env: "SLACK_API_URL", Group: GroupSlack, Arg: "URL", Help: "Another Slack Web API, with a slash at its end.",
		set: stringSetter(func(c *Config) *string { return &c.Slack.API })},

	{Env: "SCANWARDEN_STATE_DIR", Group: GroupLedger, Arg: "DIR", Help: "Directory of the ledger and the keys.", Default: "the user's state directory",
		set: stringSetter(func(c *Config) *string { return &c.StateDir })},
	{Env: "SCANWARDEN_DATABASE_URL", Key: "database_url", Group: GroupLedger, Arg: "URL", Help: "sqlite:PATH or postgres://USER@HOST/DATABASE (a password by the environment only).", Default: "ledger.db in the state directory",
		set: stringSetter(func(c *Config) *string { return &c.DatabaseURL })},
	{Env: "SCANWARDEN_DATABASE_AUTH", Key: "database_auth", Group: GroupLedger, Arg: "HOW", Help: "How to sign in to PostgreSQL: password, or entra with a token of the application as the password (Azure Database).", Default: "password",
		Values: []string{"password", "entra"}, set: stringSetter(func(c *Config) *string { return &c.DatabaseAuth })},
	{Env: "SCANWARDEN_RETENTION", Key: "retention", Group: GroupLedger, Arg: "DURATION", Help: "How long a change is kept after it has ended; then only its audit entries stay. 24h to 87600h, or 0 to keep all.", Default: "2160h",
		set: durationSetter(func(c *Config) **time.Duration { return &c.Retention }, retentionForm)},
	{Env: "SCANWARDEN_LOG_LEVEL", Group: GroupLedger, Arg: "LEVEL", Help: "debug, info, warn or error.", Default: "info",
		Values: []string{"debug", "info", "warn", "error"}, set: stringSetter(func(c *Config) *string { return &c.LogLevel })},
	{Env: "SCANWARDEN_LOG_FORMAT", Group: GroupLedger, Arg: "FORMAT", Help: "text or json.", Default: "text on a terminal, else json",
		Values: []string{"text", "json"}, set: stringSetter(func(c *Config) *string { return &c.LogFormat })},
}

// Flag returns the name of the setting's flag: SCANWARDEN_PUBLIC_URL is --public-url, AZURE_TENANT_ID is --tenant-id.
func (s Setting) Flag() string {
	name := strings.TrimPrefix(strings.TrimPrefix(s.Env, envPrefix), "AZURE_")
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// IsBool reports whether the setting is true or false.
func (s Setting) IsBool() bool { return s.Arg == "" && !s.Secret }

// applyEnvironment overrides the file's values by those of the environment. An empty variable is not a value.
func (c *Config) applyEnvironment(env Environment) error {
	for _, s := range Settings {
		if value := env[s.Env]; value != "" {
			if err := c.applyValue(s, value, s.Env); err != nil {
				return fmt.Errorf("%s: %w", s.Env, err)
			}
		}
	}
	return nil
}

// applyFlags overrides the values of file and environment by those of flags.
func (c *Config) applyFlags(flags Flags) error {
	for _, s := range Settings {
		if value, given := flags[s.Env]; given {
			if err := c.applyValue(s, value, "--"+s.Flag()); err != nil {
				return fmt.Errorf("--%s: %w", s.Flag(), err)
			}
		}
	}
	if u, err := url.Parse(flags["SCANWARDEN_DATABASE_URL"]); err == nil && u.User != nil {
		if _, secret := u.User.Password(); secret {
			return errors.New("--database-url: a password does not belong on a command line, where every process sees it; give the URL as SCANWARDEN_DATABASE_URL")
		}
	}
	return nil
}
