package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"scanwarden/defender"
)

// config is everything that scanwarden can be told. It is made in one place (load) and checked in one place
// (validate); its YAML keys are the outside contract. The zero value is a valid configuration that is missing
// a tenant.
type config struct {
	Defender    defenderConfig              `yaml:"defender"`
	Auth        string                      `yaml:"auth"`         // "" means client
	DatabaseURL string                      `yaml:"database_url"` // "" means SQLite in the state directory
	ConfirmWith []string                    `yaml:"confirm_with"` // empty means slack where it is configured, else client
	Policy      policyConfig                `yaml:"policy"`
	People      []personConfig              `yaml:"people"`
	Credentials map[string]credentialConfig `yaml:"credentials"`
	Slack       slackConfig                 `yaml:"slack"`
	HTTP        httpConfig                  `yaml:"http"`

	// These have no key in the file.
	Azure     azureConfig `yaml:"-"`
	StateDir  string      `yaml:"-"`
	LogLevel  string      `yaml:"-"`
	LogFormat string      `yaml:"-"`
	Simulator bool        `yaml:"-"` // the built-in simulated tenant takes the place of Defender
}

type defenderConfig struct {
	Cloud  string `yaml:"cloud"`
	Region string `yaml:"region"`
	URL    string `yaml:"url"`
	Scope  string `yaml:"scope"`
}

type azureConfig struct {
	Tenant, Client         string
	Secret                 defender.Secret
	Certificate, TokenFile string // paths
	Authority              string
}

// policyConfig uses pointers where "not given" and "zero" differ: zero is refused, not taken for the default.
type policyConfig struct {
	Approvers           []string       `yaml:"approvers"`
	SelfApproval        bool           `yaml:"self_approval"`
	ApprovalsRequired   map[string]int `yaml:"approvals_required"`
	Expires             *time.Duration `yaml:"expires"`
	MaxScansPerDelete   *int           `yaml:"max_scans_per_delete"`
	MaxAddressesPerScan *int           `yaml:"max_addresses_per_scan"`
}

type personConfig struct {
	Name       string   `yaml:"name"`
	Principals []string `yaml:"principals"`
}

// slackConfig has its secrets from the environment only.
type slackConfig struct {
	Channel  string            `yaml:"channel"`  // "" means direct messages to the approvers
	Commands map[string]string `yaml:"commands"` // slash command by tool, and "scans"

	BotToken, AppToken, SigningSecret defender.Secret `yaml:"-"`
	API                               string          `yaml:"-"` // "" means Slack's own
}

type httpConfig struct {
	Listen    string          `yaml:"listen"` // "" means 127.0.0.1:8484
	PublicURL string          `yaml:"public_url"`
	Auth      string          `yaml:"auth"`
	Tokens    map[string]part `yaml:"tokens"` // bearer tokens by the name of who holds them

	Token defender.Secret `yaml:"-"` // the single unnamed one
}

// load reads the file, lays the environment over it and the flags over both, and checks the result.
func load(env environment, flags flagValues) (*config, error) {
	if err := env.checkNames(); err != nil {
		return nil, err
	}
	c := &config{}
	path := env[prefix+"CONFIG"]
	if given, ok := flags[prefix+"CONFIG"]; ok {
		path = given
	}
	if err := c.fromFile(path); err != nil {
		return nil, err
	}
	if err := c.fromEnvironment(env); err != nil {
		return nil, err
	}
	if err := c.fromFlags(flags); err != nil {
		return nil, err
	}
	return c, c.validate()
}

// maxConfigFile is far more than any real file and far less than what would hurt.
const maxConfigFile = 1 << 20

// fromFile reads the YAML file at path; an empty path is no file.
func (c *config) fromFile(path string) error {
	if path == "" {
		return nil
	}
	data, err := readFile(path, maxConfigFile)
	if err != nil {
		return fmt.Errorf("configuration file: %w; name another one with --config or SCANWARDEN_CONFIG", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("configuration file %s: %w", path, plainYAML(err))
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return fmt.Errorf("configuration file %s: it holds more than one document; keep the first one only", path)
	}
	return nil
}

// plainYAML turns the library's words for an unknown key, which speak of Go types, into ours.
func plainYAML(err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return err
	}
	lines := make([]string, len(wrong.Errors))
	for i, text := range wrong.Errors {
		lines[i] = text
		line, rest, unknown := strings.Cut(text, ": field ")
		if key, _, ok := strings.Cut(rest, " not found in type "); unknown && ok {
			lines[i] = fmt.Sprintf("%s: unknown key %q: remove it or correct its spelling", line, key)
		}
	}
	return errors.New(strings.Join(lines, "; "))
}

// readFile reads a file of at most limit bytes, so that a device or a mistaken path cannot fill the memory.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, nil
}
