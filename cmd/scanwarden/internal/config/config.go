// Package config loads the configuration of scanwarden: a YAML file, overridden by the environment, overridden by flags.
//
// Load decodes and validates all of it into one Config; server, doctor and commands read it from there. Every mistake
// names the setting, where its value came from (a line of the file, a variable or a flag), and what to write instead.
//
// The invariant: no error, log or finding repeats a value that may be a secret. A user may have written one in the
// wrong place.
package config

import (
	"time"

	"go.yaml.in/yaml/v3"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// Config holds every setting of scanwarden. Load makes it and validate checks it; its YAML keys are a public interface.
// The zero value is a valid configuration that lacks a tenant.
type Config struct {
	Defender    DefenderSettings `yaml:"defender"`
	Auth        string           `yaml:"auth"`         // "" means client
	ReadOnly    bool             `yaml:"read_only"`    // nothing that changes Defender is offered
	Retention   *time.Duration   `yaml:"retention"`    // nil means DefaultRetention, 0 keeps all
	DatabaseURL string           `yaml:"database_url"` // "" means SQLite in the state directory
	// DatabaseAuth is how the server signs in to PostgreSQL: "" or password as the URL has it, entra with a token of the
	// application that reads Defender.
	DatabaseAuth string                        `yaml:"database_auth"`
	ConfirmWith  []string                      `yaml:"confirm_with"` // empty means Channels' and FallbackChannels' own choice
	Browser      string                        `yaml:"browser"`      // opens pages on this machine; "" finds one, "none" never
	Policy       PolicySettings                `yaml:"policy"`
	People       []PersonSettings              `yaml:"people"`
	Credentials  map[string]CredentialSettings `yaml:"credentials"`
	Slack        SlackSettings                 `yaml:"slack"`
	HTTP         HTTPSettings                  `yaml:"http"`

	// These have no key in the file.
	Azure     AppRegistration `yaml:"-"` // signs in to read and to write
	Write     AppRegistration `yaml:"-"` // signs in to write, if that is a second app registration
	StateDir  string          `yaml:"-"`
	LogLevel  string          `yaml:"-"`
	LogFormat string          `yaml:"-"`
	Simulator bool            `yaml:"-"` // use the built-in simulated tenant instead of Defender

	path         string            // of the file, "" if there is none
	document     *yaml.Node        // the parsed file, for positions
	overrides    map[string]string // by key, the variable or flag that replaced the file's value
	placeholders map[string]bool   // settings of the sign-in that were left as in an example, by environment name
	rules        []confirm.Rule    // of the policy, compiled
}

// DefenderSettings choose the Defender host. Empty values mean the commercial cloud's host for all regions.
type DefenderSettings struct {
	Cloud  string `yaml:"cloud"`
	Region string `yaml:"region"`
	URL    string `yaml:"url"`
	Scope  string `yaml:"scope"`
}

// AppRegistration is an app registration in Entra ID with its credential: a secret, a certificate or a federated token.
type AppRegistration struct {
	Tenant, Client         string
	Secret                 defender.Secret
	Certificate, TokenFile string // paths
	Authority              string

	envPrefix string // of the environment names it comes from; "" means AZURE_
}

// PolicySettings decide which changes are allowed and how they are confirmed. A nil pointer means that a value was not
// given: zero is an error and not the default.
type PolicySettings struct {
	Approvers           []string       `yaml:"approvers"`
	Requesters          []string       `yaml:"requesters"`
	SelfApproval        bool           `yaml:"self_approval"`
	ApprovalsRequired   map[string]int `yaml:"approvals_required"`
	Expires             *time.Duration `yaml:"expires"`
	MaxScansPerDelete   *int           `yaml:"max_scans_per_delete"`
	MaxAddressesPerScan *int           `yaml:"max_addresses_per_scan"`
	MaxOpenChanges      *int           `yaml:"max_open_changes"` // of one requester
	Rules               []RuleSettings `yaml:"rules"`
}

// RuleSettings is one rule of the policy: a condition in CEL, and the approvals or the sign-in that it requires, or the
// text that refuses.
type RuleSettings struct {
	Name      string         `yaml:"name"`
	When      positionedText `yaml:"when"` // CEL
	Approvals int            `yaml:"approvals"`
	Refuse    string         `yaml:"refuse"`
	// AuthContext is the authentication context of Microsoft Entra ID that each approver must have signed in with.
	AuthContext string `yaml:"authentication_context"`
}

// PersonSettings lists the identities of one person.
type PersonSettings struct {
	Name       string   `yaml:"name"`
	Email      string   `yaml:"email"`
	Principals []string `yaml:"principals"`
}

// SlackSettings configure the Slack app. Its secrets come from the environment only.
type SlackSettings struct {
	Channel  string            `yaml:"channel"`  // "" means direct messages to the approvers
	Commands map[string]string `yaml:"commands"` // slash command by tool, and "scans"

	MatchEmail   bool `yaml:"match_email"`   // join a Slack user to the one person with the same e-mail address
	LinkAccounts bool `yaml:"link_accounts"` // let Slack users join their Entra account at PUBLIC_URL/link

	BotToken, AppToken, SigningSecret defender.Secret `yaml:"-"`
	API                               string          `yaml:"-"` // "" means Slack's own
}

// HTTPSettings configure `scanwarden serve`: where it listens and how its callers authenticate.
type HTTPSettings struct {
	Listen    string               `yaml:"listen"` // "" means 127.0.0.1:8484
	PublicURL string               `yaml:"public_url"`
	Auth      string               `yaml:"auth"`
	Tokens    map[string]SecretRef `yaml:"tokens"` // bearer tokens by the name of their holder

	AgentTokens []string `yaml:"agent_tokens"` // names of the tokens that no person holds; their callers never decide

	ClientID    string   `yaml:"client_id"`    // with entra: the audience of callers' tokens; "" means AZURE_CLIENT_ID
	Clients     []string `yaml:"clients"`      // with entra: client applications that may call; empty means any of the tenant
	OAuthFacade bool     `yaml:"oauth_facade"` // with entra: serve OAuth metadata that mirrors Entra's

	Token defender.Secret `yaml:"-"` // the single unnamed one
}

// Load reads the configuration file, overrides it by the environment and both by flags, and validates the result. It
// returns the first mistake.
func Load(env Environment, flags Flags) (*Config, error) {
	c, mistakes := LoadLenient(env, flags)
	if len(mistakes) > 0 {
		return nil, mistakes[0]
	}
	return c, nil
}

// LoadLenient is like Load and returns all mistakes that can be found at once. The configuration is complete only if
// there are none.
func LoadLenient(env Environment, flags Flags) (*Config, []error) {
	c := &Config{Simulator: flags[SimulatorFlag] == "true"}
	for _, step := range []func() error{
		env.checkNames,
		func() error { return c.loadFile(env, flags) },
		func() error { return c.applyEnvironment(env) },
		func() error { return c.applyFlags(flags) },
		func() error { return c.expandPaths(env) },
	} {
		if err := step(); err != nil {
			return c, []error{err}
		}
	}
	return c, c.validate()
}

// DescribeSources returns a phrase that names where the configuration came from.
func (c *Config) DescribeSources() string {
	if c.path == "" {
		return "from the environment and flags, no file"
	}
	return "from " + c.path + ", the environment and flags"
}
