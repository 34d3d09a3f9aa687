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

// An App is an app registration with its service principal: a client, a resource, or both.
type App struct {
	ClientID string   // GUID
	URIs     []string // identifier URIs, such as "https://scans.example.com/mcp"; the client ID always is one

	// How it proves itself; with none of these it cannot.
	Secret        string
	ExpiredSecret bool              // the right secret, too late
	Certificate   *x509.Certificate // its client assertions are signed with this one's key, RS256 or PS256
	Federation    *Federation
	Public        bool // may also do without, for people: what the portal calls public client flows

	RedirectURIs []string // "http://localhost" stands for all of its ports

	Roles     []string // application permissions granted, as RESOURCE/ROLE
	Consented []string // delegated permissions consented to, as RESOURCE/SCOPE
}

// A Federation is a federated credential: another issuer's token proves the app.
type Federation struct {
	Issuer, Subject string
	Key             *rsa.PublicKey // nil: the signature is not looked at
}

// A User is a person of the tenant.
type User struct {
	ObjectID string   // GUID
	Name     string   // shown; "" is the Username
	Username string   // user principal name; "" is made of the Name
	Roles    []string // app roles, on every app
}

// AddApp registers an app, or replaces one.
func (s *Server) AddApp(a App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[strings.ToLower(a.ClientID)] = a
}

// AddUser adds a person, or replaces them, and returns them with the names filled in.
func (s *Server) AddUser(u User) User {
	first, _, _ := strings.Cut(strings.ToLower(u.Name), " ")
	u.Username = cmp.Or(u.Username, first+"@test.example")
	u.Name = cmp.Or(u.Name, u.Username)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[strings.ToLower(u.ObjectID)] = u
	return u
}

// Revoke ends every sign-in of a person, as a change of password does: their refresh tokens are refused, access
// tokens live on.
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

// findApp needs the lock.
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

// findUser needs the lock.
func (s *Server) findUser(objectID string) (User, error) {
	user, ok := s.users[strings.ToLower(objectID)]
	if !ok {
		return User{}, newRefusal(http.StatusBadRequest, "invalid_grant", 50034, "The user account does not exist in the directory.")
	}
	return user, nil
}

// An audience is a resource as tokens name it.
type audience struct {
	name string // aud
	own  bool   // of an app in the tenant, which asked for v2.0 tokens
}

// findAudience finds the resource by its identifier. It needs the lock.
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

func (a App) hasIdentifier(resource string) bool {
	return strings.EqualFold(a.ClientID, resource) || slices.Contains(a.URIs, resource)
}

// grantedFor returns the names in list, of RESOURCE/NAME, that are for this audience. It needs the lock.
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

// deriveGUID is a GUID that always comes out the same for the same parts, such as a service principal's object id.
func deriveGUID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
