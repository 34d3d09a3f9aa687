package entratest

import (
	"encoding/base64"
	"math/big"
)

// handleInstance serves the discovery of clouds, in which each authority is the only one.
func (s *Server) handleInstance(c *call) (any, error) {
	return object{
		"tenant_discovery_endpoint": c.base + "/" + s.options.Tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata":                  []object{{"preferred_network": c.Host, "preferred_cache": c.Host, "aliases": []string{c.Host}}},
	}, nil
}

// handleConfiguration serves the OpenID Connect discovery document. Like Entra ID's, it omits
// code_challenge_methods_supported.
func (s *Server) handleConfiguration(c *call) (any, error) {
	tenant := c.base + "/" + s.options.Tenant
	return object{
		"issuer":                                tenant + "/v2.0",
		"authorization_endpoint":                tenant + "/oauth2/v2.0/authorize",
		"token_endpoint":                        tenant + "/oauth2/v2.0/token",
		"device_authorization_endpoint":         tenant + "/oauth2/v2.0/devicecode",
		"jwks_uri":                              tenant + "/discovery/v2.0/keys",
		"response_modes_supported":              []string{"query", "form_post"},
		"response_types_supported":              []string{"code"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
	}, nil
}

// handleKeys serves the public keys, without alg, as Entra ID publishes them.
func (s *Server) handleKeys(*call) (any, error) {
	keys := make([]object, len(s.keys))
	for i, k := range s.keys {
		keys[i] = object{
			"kty": "RSA", "use": "sig", "kid": k.id,
			"n": base64.RawURLEncoding.EncodeToString(k.key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.key.E)).Bytes()),
		}
	}
	return object{"keys": keys}, nil
}
