package auth

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Where clients look for documents (RFC 9728 section 3.1, RFC 8414 section 3).
const (
	wellKnownResource = "/.well-known/oauth-protected-resource"
	wellKnownServer   = "/.well-known/oauth-authorization-server"
)

// resourceDocument is RFC 9728 protected resource metadata.
type resourceDocument struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	Scopes               []string `json:"scopes_supported"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	Name                 string   `json:"resource_name"`
}

// serverDocument is RFC 8414 authorization server metadata: Entra's endpoints under a name of ours.
type serverDocument struct {
	Issuer         string   `json:"issuer"`
	Authorization  string   `json:"authorization_endpoint"`
	Token          string   `json:"token_endpoint"`
	Device         string   `json:"device_authorization_endpoint"`
	Keys           string   `json:"jwks_uri"`
	Scopes         []string `json:"scopes_supported"`
	ResponseTypes  []string `json:"response_types_supported"`
	ResponseModes  []string `json:"response_modes_supported"`
	Grants         []string `json:"grant_types_supported"`
	Authentication []string `json:"token_endpoint_auth_methods_supported"`
	Challenges     []string `json:"code_challenge_methods_supported"`
}

// Metadata serves RFC 9728 protected resource metadata for cfg, and, where facade is set, an RFC 8414 document that
// mirrors Entra's endpoints and adds code_challenge_methods_supported, which Entra supports and does not tell. No
// token comes near it: clients talk to Entra itself. Routes are the paths to mount h on.
func Metadata(cfg EntraConfig, authorizationServer bool) (routes []string, h http.Handler, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, nil, err
	}
	resource, err := parseResource(cfg.Resource)
	if err != nil {
		return nil, nil, err
	}
	origin := resource.Scheme + "://" + resource.Host
	resourceDoc, paths := cfg.resourceDocument(), []string{wellKnownResource + resource.Path, wellKnownResource}
	if authorizationServer {
		resourceDoc.AuthorizationServers = []string{origin} // clients compare it with the issuer of what they then find
	}
	documents := map[string]any{}
	for _, path := range paths {
		documents[path] = resourceDoc
	}
	if authorizationServer {
		documents[wellKnownServer] = cfg.serverDocument(origin)
	}
	return serveDocuments(documents)
}

func (cfg EntraConfig) resourceDocument() resourceDocument {
	return resourceDocument{
		Resource: cfg.Resource, AuthorizationServers: []string{cfg.issuer()},
		Scopes: []string{cfg.scope()}, BearerMethods: []string{"header"}, Name: "scanwarden",
	}
}

func (cfg EntraConfig) serverDocument(issuer string) serverDocument {
	return serverDocument{
		Issuer:        issuer,
		Authorization: cfg.endpoint("/oauth2/v2.0/authorize"), Token: cfg.endpoint("/oauth2/v2.0/token"),
		Device: cfg.endpoint("/oauth2/v2.0/devicecode"), Keys: cfg.endpoint("/discovery/v2.0/keys"),
		Scopes:        []string{cfg.scope(), "openid", "profile", "offline_access"},
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query", "fragment", "form_post"},
		Grants:         []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
		Authentication: []string{"none", "client_secret_post", "client_secret_basic", "private_key_jwt"},
		Challenges:     []string{"S256"},
	}
}

// serveDocuments answers GET at each path with its document, written once.
func serveDocuments(documents map[string]any) (routes []string, _ http.Handler, err error) {
	mux := http.NewServeMux()
	for path, document := range documents {
		text, err := json.Marshal(document)
		if err != nil {
			return nil, nil, fmt.Errorf("metadata for clients: %w", err)
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				w.Header().Set("Allow", http.MethodGet)
				http.Error(w, "use GET", http.StatusMethodNotAllowed)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "public, max-age=3600")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			_, _ = w.Write(text) // who has gone does not need it
		})
	}
	return slices.Sorted(maps.Keys(documents)), mux, nil
}

// metadataURL is the URL of the resource document, which challenges name. cfg must be checked already.
func (cfg EntraConfig) metadataURL() string {
	resource, err := parseResource(cfg.Resource)
	if err != nil {
		return ""
	}
	return resource.Scheme + "://" + resource.Host + wellKnownResource + resource.Path
}

// parseResource checks the server's own URL. Entra compares it letter by letter with the identifier URI of the app
// registration, which cannot end in a slash.
func parseResource(resource string) (*url.URL, error) {
	u, err := url.Parse(resource)
	plain := err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery &&
		u.Fragment == "" && u.RawPath == "" && !strings.HasSuffix(resource, "/") && !strings.HasSuffix(resource, "#") &&
		!strings.ContainsAny(u.Path, "{} ")
	if !plain || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("sign-in of callers: %q cannot be the URL of this server; write https://, a host and a path without a slash at its end, such as https://scans.example.com/mcp", resource)
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
