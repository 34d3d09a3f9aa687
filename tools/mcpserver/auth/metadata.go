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

// Paths at which clients look for metadata (RFC 9728 section 3.1, RFC 8414 section 3).
const (
	wellKnownResource = "/.well-known/oauth-protected-resource"
	wellKnownServer   = "/.well-known/oauth-authorization-server"
)

// resourceDocument is protected resource metadata (RFC 9728).
type resourceDocument struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	Scopes               []string `json:"scopes_supported"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	Name                 string   `json:"resource_name"`
}

// serverDocument is authorization server metadata (RFC 8414): Entra's endpoints under our issuer.
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

// Metadata returns a handler for protected resource metadata (RFC 9728) and the routes to mount it on. With
// authorizationServer it also serves a document (RFC 8414) with Entra's endpoints that adds
// code_challenge_methods_supported, which Entra supports but does not publish. The handler never sees a token:
// clients talk to Entra directly.
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
		resourceDoc.AuthorizationServers = []string{origin} // clients compare it with the issuer in the document
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

// serveDocuments returns a handler that answers GET at each path with its document, encoded once.
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
			_, _ = w.Write(text) // an error means that the client has disconnected
		})
	}
	return slices.Sorted(maps.Keys(documents)), mux, nil
}

// metadataURL returns the URL of the resource document for challenges. cfg must be validated.
func (cfg EntraConfig) metadataURL() string {
	resource, err := parseResource(cfg.Resource)
	if err != nil {
		return ""
	}
	return resource.Scheme + "://" + resource.Host + wellKnownResource + resource.Path
}

// parseResource checks and returns the URL of this server. Entra compares it letter by letter with the identifier
// URI of the app registration, which cannot end in a slash.
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
