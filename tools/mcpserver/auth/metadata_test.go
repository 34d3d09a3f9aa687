package auth_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/tools/mcpserver/auth"
)

// fetchDocument fetches a document as a client would.
func fetchDocument(t *testing.T, h http.Handler, method, path string) (*http.Response, map[string]any) {
	t.Helper()
	web := httptest.NewServer(h)
	defer web.Close()
	req, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://elsewhere.example")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return res, fields
}

func minimalConfig() auth.EntraConfig {
	return auth.EntraConfig{TenantID: tenant, ClientID: audience, Resource: resource}
}

func TestMetadataOfTheResource(t *testing.T) {
	routes, h, err := auth.Metadata(minimalConfig(), false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"}
	if diff := cmp.Diff(want, routes); diff != "" {
		t.Fatal(diff)
	}
	for _, route := range routes {
		res, got := fetchDocument(t, h, http.MethodGet, route)
		want := map[string]any{
			"resource":                 resource,
			"authorization_servers":    []any{"https://login.microsoftonline.com/" + tenant + "/v2.0"},
			"scopes_supported":         []any{"https://scans.example.com/mcp/Scans.Use"},
			"bearer_methods_supported": []any{"header"},
			"resource_name":            "scanwarden",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if res.Header.Get("Content-Type") != "application/json" || !strings.Contains(res.Header.Get("Cache-Control"), "max-age=") {
			t.Errorf("header %v", res.Header)
		}
		for name := range res.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("a page of another origin may read it: %s", name)
			}
		}
		for _, method := range []string{http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodDelete} {
			if res, _ := fetchDocument(t, h, method, route); res.StatusCode != 405 || res.Header.Get("Allow") != "GET" {
				t.Errorf("%s %s: %d", method, route, res.StatusCode)
			}
		}
	}
	if res, _ := fetchDocument(t, h, http.MethodGet, "/.well-known/oauth-authorization-server"); res.StatusCode != 404 {
		t.Errorf("an authorization server document without the option: %d", res.StatusCode)
	}
}

// Clients look for a document below the URL in authorization_servers, and refuse one with another issuer.
func TestTheAuthorizationServerDocumentNamesItsOwnIssuer(t *testing.T) {
	cfg := minimalConfig()
	cfg.Authority = "https://login.microsoftonline.us/"
	routes, h, err := auth.Metadata(cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(routes) != 3 {
		t.Fatalf("routes %v", routes)
	}
	_, about := fetchDocument(t, h, http.MethodGet, "/.well-known/oauth-protected-resource/mcp")
	issuer := about["authorization_servers"].([]any)[0].(string)
	path, ok := strings.CutPrefix(issuer, "https://scans.example.com")
	if !ok {
		t.Fatalf("the authorization server is at %s", issuer)
	}
	_, got := fetchDocument(t, h, http.MethodGet, "/.well-known/oauth-authorization-server"+path)
	entra := "https://login.microsoftonline.us/" + tenant
	want := map[string]any{
		"issuer":                                issuer,
		"authorization_endpoint":                entra + "/oauth2/v2.0/authorize",
		"token_endpoint":                        entra + "/oauth2/v2.0/token",
		"device_authorization_endpoint":         entra + "/oauth2/v2.0/devicecode",
		"jwks_uri":                              entra + "/discovery/v2.0/keys",
		"scopes_supported":                      []any{"https://scans.example.com/mcp/Scans.Use", "openid", "profile", "offline_access"},
		"response_types_supported":              []any{"code"},
		"response_modes_supported":              []any{"query", "fragment", "form_post"},
		"grant_types_supported":                 []any{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
		"token_endpoint_auth_methods_supported": []any{"none", "client_secret_post", "client_secret_basic", "private_key_jwt"},
		"code_challenge_methods_supported":      []any{"S256"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAServerWithoutAPathHasOneDocument(t *testing.T) {
	cfg := minimalConfig()
	cfg.Resource = "https://scans.example.com"
	routes, _, err := auth.Metadata(cfg, false)
	if err != nil || len(routes) != 1 {
		t.Errorf("%v, %v", routes, err)
	}
}

// An invalid configuration is an error that names the field.
func TestConfigurationsThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		alter func(*auth.EntraConfig)
		word  string
	}{
		"no tenant":              {func(c *auth.EntraConfig) { c.TenantID = "" }, "tenant id"},
		"every tenant":           {func(c *auth.EntraConfig) { c.TenantID = "common" }, "tenant id"},
		"a tenant with a path":   {func(c *auth.EntraConfig) { c.TenantID = tenant[:35] + "/" }, "tenant id"},
		"no client":              {func(c *auth.EntraConfig) { c.ClientID = "" }, "client id"},
		"a client by its URI":    {func(c *auth.EntraConfig) { c.ClientID = "api://" + audience }, "client id"},
		"a plain authority":      {func(c *auth.EntraConfig) { c.Authority = "http://login.microsoftonline.com" }, "authority"},
		"an authority with path": {func(c *auth.EntraConfig) { c.Authority = "https://login.microsoftonline.com/" + tenant }, "authority"},
		"no resource":            {func(c *auth.EntraConfig) { c.Resource = "" }, "URL of this server"},
		"a slash at the end":     {func(c *auth.EntraConfig) { c.Resource += "/" }, "URL of this server"},
		"a query":                {func(c *auth.EntraConfig) { c.Resource += "?a=b" }, "URL of this server"},
		"an empty query":         {func(c *auth.EntraConfig) { c.Resource += "?" }, "URL of this server"},
		"a fragment":             {func(c *auth.EntraConfig) { c.Resource += "#a" }, "URL of this server"},
		"an empty fragment":      {func(c *auth.EntraConfig) { c.Resource += "#" }, "URL of this server"},
		"a password":             {func(c *auth.EntraConfig) { c.Resource = "https://a:b@scans.example.com/mcp" }, "URL of this server"},
		"a plain resource":       {func(c *auth.EntraConfig) { c.Resource = "http://scans.example.com/mcp" }, "URL of this server"},
		"a pattern":              {func(c *auth.EntraConfig) { c.Resource = "https://scans.example.com/{x}" }, "URL of this server"},
	} {
		cfg := minimalConfig()
		tt.alter(&cfg)
		if _, err := auth.Entra(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tt.word) {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := auth.Metadata(cfg, true); err == nil || !strings.Contains(err.Error(), tt.word) {
			t.Errorf("%s: metadata: %v", name, err)
		}
	}
	cfg := minimalConfig()
	cfg.Resource = "http://127.0.0.1:8484/mcp"
	if _, err := auth.Entra(t.Context(), cfg); err != nil {
		t.Errorf("this machine: %v", err)
	}
}
