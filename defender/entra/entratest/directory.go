package entratest

import (
	"cmp"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// App is an app registration with its service principal: a client, a resource, or both.
type App struct {
	ClientID string   // GUID
	URIs     []string // identifier URIs, such as "https://scans.example.com/mcp"; the client ID is always one

	// The credentials. An app with none of them cannot authenticate.
	Secret        string
	ExpiredSecret bool              // Secret is right, but has expired
	Certificate   *x509.Certificate // its key signs the client assertions, RS256 or PS256
	Federation    *Federation
	Public        bool // may omit the credential in flows for users: "allow public client flows" in the portal

	RedirectURIs []string // "http://localhost" matches any port

	Roles     []string // application permissions granted, as RESOURCE/ROLE
	Consented []string // delegated permissions consented to, as RESOURCE/SCOPE
}

// Federation is a federated credential: a token of another issuer authenticates the app.
type Federation struct {
	Issuer, Subject string
	Key             *rsa.PublicKey // nil means that the signature is not verified
}

// User is a user of the tenant.
type User struct {
	ObjectID string   // GUID
	Name     string   // display name; "" means the Username
	Username string   // user principal name; "" means one derived from the Name
	Roles    []string // app roles, on every app
}

// AddApp registers an app, or replaces one.
func (s *Server) AddApp(a App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[strings.ToLower(a.ClientID)] = a
}

// AddUser adds or replaces a user, and returns it with its names completed.
func (s *Server) AddUser(u User) User {
	first, _, _ := strings.Cut(strings.ToLower(u.Name), " ")
	u.Username = cmp.Or(u.Username, first+"@test.example")
	u.Name = cmp.Or(u.Name, u.Username)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[strings.ToLower(u.ObjectID)] = u
	return u
}

// Revoke ends every sign-in of a user, as a password change does. Refresh tokens are refused; access tokens
// stay valid.
func (s *Server) Revoke(objectID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, session := range s.refreshes {
		if strings.EqualFold(session.user, objectID) {
			session.revoked = true
			s.refreshes[token] = session
		}
	}
}

// findApp returns the app, or a refusal. The caller holds s.mu.
func (s *Server) findApp(clientID string) (App, error) {
	if clientID == "" {
		return App{}, missingParameter("client_id")
	}
	app, ok := s.apps[strings.ToLower(clientID)]
	if !ok {
		return App{}, newRefusal(http.StatusBadRequest, "unauthorized_client", 700016, "Application with identifier '"+clientID+"' was not found in the directory.")
	}
	return app, nil
}

// findUser returns the user, or a refusal. The caller holds s.mu.
func (s *Server) findUser(objectID string) (User, error) {
	user, ok := s.users[strings.ToLower(objectID)]
	if !ok {
		return User{}, newRefusal(http.StatusBadRequest, "invalid_grant", 50034, "The user account does not exist in the directory.")
	}
	return user, nil
}

// audience is a resource as tokens name it.
type audience struct {
	name string // aud
	own  bool   // an app of the tenant, which requested v2.0 tokens
}

// findAudience returns the resource with this identifier, or a refusal. The caller holds s.mu.
func (s *Server) findAudience(resource string) (audience, error) {
	for _, id := range slices.Sorted(maps.Keys(s.apps)) {
		if s.apps[id].hasIdentifier(resource) {
			return audience{s.apps[id].ClientID, true}, nil
		}
	}
	for _, known := range s.options.Resources {
		if strings.TrimSuffix(known, "/") == strings.TrimSuffix(resource, "/") {
			return audience{strings.TrimSuffix(known, "/"), false}, nil
		}
	}
	return audience{}, newRefusal(http.StatusBadRequest, "invalid_resource", 500011, "The resource principal named "+resource+" was not found in the tenant.")
}

// hasIdentifier reports whether resource is the client ID or an identifier URI.
func (a App) hasIdentifier(resource string) bool {
	return strings.EqualFold(a.ClientID, resource) || slices.Contains(a.URIs, resource)
}

// grantedFor returns the names in list, of RESOURCE/NAME, that belong to this audience. The caller holds s.mu.
func (s *Server) grantedFor(list []string, to audience) []string {
	var names []string
	for _, entry := range list {
		resource, name := splitScope(entry)
		if of, err := s.findAudience(resource); err == nil && of == to {
			names = append(names, name)
		}
	}
	return names
}

// deriveGUID returns the same GUID for the same parts, for example as a service principal's object id.
func deriveGUID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
