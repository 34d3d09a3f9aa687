package server

import (
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/config/configtest"
	"scanwarden/defender/entra/entratest"
)

// TestReadOnlyHasNoWriter: in read-only mode there is no token source for writes.
func TestReadOnlyHasNoWriter(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]config.Environment{
		"a stand-in":        {"SCANWARDEN_DEFENDER_URL": "http://127.0.0.1:1"},
		"one application":   {"AZURE_TENANT_ID": entratest.Tenant, "AZURE_CLIENT_ID": testAppID, "AZURE_CLIENT_SECRET": "secret"},
		"whoever calls":     {"AZURE_TENANT_ID": entratest.Tenant, "AZURE_CLIENT_ID": testAppID, "AZURE_CLIENT_SECRET": "secret", "SCANWARDEN_AUTH": config.OnBehalfOf, "SCANWARDEN_HTTP_AUTH": "entra"},
		"the machine's own": {"SCANWARDEN_AUTH": "managed-identity"},
	} {
		for _, readOnly := range []string{"true", "false"} {
			env["SCANWARDEN_READ_ONLY"] = readOnly
			ids, err := newTokenSources(configtest.Load(t, "", env), &userTokens{}, t.TempDir())
			if err != nil || ids.Read == nil || (ids.Write == nil) != (readOnly == "true") {
				t.Errorf("%s, read-only %s: %+v, %v", name, readOnly, ids, err)
			}
		}
	}
}
