// Package configtest loads configurations for tests.
package configtest

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
)

// Load returns the configuration of a YAML file with this text and of env. An empty text is no file. It fails the test if
// the configuration is not valid.
func Load(t *testing.T, file string, env config.Environment) *config.Config {
	t.Helper()
	all := config.Environment{}
	if file != "" {
		all["SCANWARDEN_CONFIG"] = filepath.Join(t.TempDir(), "scanwarden.yaml")
		if err := os.WriteFile(all["SCANWARDEN_CONFIG"], []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(all, env)
	c, err := config.Load(all, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
