package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"sync"

	"go.yaml.in/yaml/v3"

	"scanwarden/defender"
	"scanwarden/tools"
)

// credentialConfig is a named credential: what is public about it, and where its secret parts are.
type credentialConfig struct {
	Type            string `yaml:"type"`
	Username        string `yaml:"username"`
	AuthProtocol    string `yaml:"authProtocol"`
	PrivProtocol    string `yaml:"privProtocol"`
	AuthPassword    part   `yaml:"authPassword"`
	PrivPassword    part   `yaml:"privPassword"`
	CommunityString part   `yaml:"communityString"`
}

// part says where one secret is: {env: NAME} or {file: PATH}. The zero value is absent.
type part struct {
	env  string
	file string
}

// variableName is what an environment variable may be called (POSIX, Environment Variable Definition).
var variableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// UnmarshalYAML is written by hand because the library's own errors quote the value, and a person who writes
// the secret itself in place of a reference would find it in a log.
func (p *part) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode || len(node.Content) != 2 {
		return fmt.Errorf("line %d: say where the secret is, as {env: NAME} or {file: PATH}; the secret itself does not belong in this file", node.Line)
	}
	key, value := node.Content[0], node.Content[1]
	if value.Kind != yaml.ScalarNode || value.Value == "" {
		return fmt.Errorf("line %d: a name or a path is missing: write {env: NAME} or {file: PATH}", key.Line)
	}
	switch key.Value {
	case "env":
		if !variableName().MatchString(value.Value) {
			return fmt.Errorf("line %d: what stands after env is not the name of an environment variable; the secret itself does not belong in this file", value.Line)
		}
		p.env = value.Value
	case "file":
		p.file = value.Value
	case "keyVault":
		return fmt.Errorf("line %d: keyVault is not read by this build: use {env: NAME} or {file: PATH}, or give the scan keyVaultUrl and keyVaultSecretName, which the scanner reads by itself", key.Line)
	default:
		return fmt.Errorf("line %d: unknown place for a secret; use {env: NAME} or {file: PATH}", key.Line)
	}
	return nil
}

// maxSecret bounds a secret file; the service's own passwords are far shorter.
const maxSecret = 64 << 10

// read returns the secret. A file loses its one trailing newline, which editors add.
func (p part) read(env environment) (defender.Secret, error) {
	if p.env != "" {
		if env[p.env] == "" {
			return defender.Secret{}, fmt.Errorf("environment variable %s is not set; set it and start scanwarden again", p.env)
		}
		return defender.NewSecret(env[p.env]), nil
	}
	data, err := readFile(p.file, maxSecret)
	if err != nil {
		return defender.Secret{}, fmt.Errorf("secret file: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) == 0 {
		return defender.Secret{}, fmt.Errorf("secret file %s is empty; put the secret into it", p.file)
	}
	return defender.NewSecret(string(data)), nil
}

// tool is the part as the executor takes it: read at execution only, never at start.
func (p part) tool(env environment) tools.Part {
	if p == (part{}) {
		return tools.Part{}
	}
	from := "env " + p.env
	if p.env == "" {
		from = "file " + p.file
	}
	return tools.Part{From: from, Read: func(context.Context) (defender.Secret, error) { return p.read(env) }}
}

// credentials are the named credentials as the desk and the executor take them.
func (c *config) credentials(env environment) map[string]tools.Credential {
	named := make(map[string]tools.Credential, len(c.Credentials))
	for name, k := range c.Credentials {
		named[name] = tools.Credential{
			Type: k.Type, Username: k.Username, AuthProtocol: k.AuthProtocol, PrivProtocol: k.PrivProtocol,
			AuthPassword: k.AuthPassword.tool(env), PrivPassword: k.PrivPassword.tool(env),
			CommunityString: k.CommunityString.tool(env),
		}
	}
	return named
}
