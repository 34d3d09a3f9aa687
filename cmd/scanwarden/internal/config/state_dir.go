package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// defaultStateDir returns the platform's directory for what a program keeps between runs.
func defaultStateDir(env Environment, system string) (string, error) {
	var base string
	switch system {
	case "windows":
		base = env["LocalAppData"]
	case "darwin", "ios":
		if home := env["HOME"]; home != "" {
			base = filepath.Join(home, "Library", "Application Support")
		}
	default:
		base = env["XDG_STATE_HOME"]
		if !filepath.IsAbs(base) { // relative paths are invalid and to be ignored (XDG Base Directory Specification)
			base = ""
		}
		if home := env["HOME"]; base == "" && home != "" {
			base = filepath.Join(home, ".local", "state")
		}
	}
	if base == "" {
		return "", errors.New("there is no home directory to keep the ledger in: set SCANWARDEN_STATE_DIR to a directory of scanwarden's own")
	}
	return filepath.Join(base, "scanwarden"), nil
}

// simulatorDir is the directory below the state directory in which the built-in simulator has its ledger and keys, so
// that nothing of it appears among the changes of a tenant.
const simulatorDir = "simulator"

// StateDirPath returns the directory of the ledger and the keys. It does not create it.
func (c *Config) StateDirPath(env Environment) (string, error) {
	dir := c.StateDir
	if dir == "" {
		var err error
		if dir, err = defaultStateDir(env, runtime.GOOS); err != nil {
			return "", err
		}
	}
	if c.Simulator {
		return filepath.Join(dir, simulatorDir), nil
	}
	return dir, nil
}

// MakeStateDir creates the directory of the ledger and the keys if needed, for its owner only, and returns its path.
func (c *Config) MakeStateDir(env Environment) (string, error) {
	dir, err := c.StateDirPath(env)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("state directory: %w; set SCANWARDEN_STATE_DIR to a directory that can be written", err)
	}
	return dir, nil
}
