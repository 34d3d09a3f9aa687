package config

import (
	"cmp"
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// reVariable matches a variable of a shell or of Windows. Nothing replaces them in the files of MCP clients, and a
// directory of that name would be created wherever the client runs.
var reVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$[{(A-Za-z_]|%[A-Za-z_][A-Za-z0-9_()]*%`) })

// expandPath returns path with ~/ replaced by the user's home directory. It returns an error for variables and for the
// home directory of another user. The error does not repeat the path.
func expandPath(env Environment, path string) (string, error) {
	if reVariable().MatchString(path) {
		return "", errors.New("the path has a variable in it, which nothing replaces here; write the whole path, or ~/ for the home directory")
	}
	rest, ok := strings.CutPrefix(path, "~")
	if !ok {
		return path, nil
	}
	if rest != "" && !strings.ContainsRune(`/`+string(filepath.Separator), rune(rest[0])) {
		return "", errors.New("only ~/ is replaced, by the home directory of the user that runs scanwarden; write the whole path")
	}
	home := env["HOME"]
	if runtime.GOOS == "windows" {
		home = env["USERPROFILE"]
	}
	if home == "" {
		return "", errors.New("the path begins with ~, and there is no home directory; write the whole path")
	}
	return filepath.Join(home, rest), nil
}

// expandPaths replaces ~/ in every setting that is a path. It returns the first mistake.
func (c *Config) expandPaths(env Environment) error {
	for _, setting := range []struct {
		name string
		path *string
	}{
		{"SCANWARDEN_STATE_DIR", &c.StateDir},
		{"AZURE_CLIENT_CERTIFICATE_PATH", &c.Azure.Certificate}, {"AZURE_FEDERATED_TOKEN_FILE", &c.Azure.TokenFile},
		{"SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH", &c.Write.Certificate}, {"SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE", &c.Write.TokenFile},
	} {
		expanded, err := expandPath(env, *setting.path)
		if err != nil {
			return Origin(setting.name).Errorf("%w", err)
		}
		*setting.path = expanded
	}
	return cmp.Or(c.expandDatabasePath(env), c.expandSecretPaths(env))
}

// expandDatabasePath replaces ~/ in the path of a SQLite ledger.
func (c *Config) expandDatabasePath(env Environment) error {
	path, ok := strings.CutPrefix(c.DatabaseURL, "sqlite:")
	if !ok {
		return nil
	}
	expanded, err := expandPath(env, path)
	if err != nil {
		return c.OriginOf("database_url").Errorf("%w", err)
	}
	c.DatabaseURL = "sqlite:" + expanded
	return nil
}

// expandSecretPaths replaces ~/ in the references to secret files.
func (c *Config) expandSecretPaths(env Environment) error {
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Tokens)) {
		ref := c.HTTP.Tokens[name]
		if err := ref.expand(env); err != nil {
			return c.OriginOf("http.tokens", name).Errorf("%w", err)
		}
		c.HTTP.Tokens[name] = ref
	}
	for _, name := range slices.Sorted(maps.Keys(c.Credentials)) {
		k := c.Credentials[name]
		if err := cmp.Or(k.AuthPassword.expand(env), k.PrivPassword.expand(env), k.CommunityString.expand(env)); err != nil {
			return c.OriginOf("credentials", name).Errorf("%w", err)
		}
		c.Credentials[name] = k
	}
	return nil
}

// expand replaces ~/ in the path of a secret file.
func (p *SecretRef) expand(env Environment) (err error) {
	p.File, err = expandPath(env, p.File)
	return err
}
