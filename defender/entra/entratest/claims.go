package entratest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// callerClientID is the client that the tokens of [Server.UserToken] were issued to: Visual Studio Code.
const callerClientID = "aebc6443-996d-45c2-90f0-388ff96faa56"

// UserClaims returns the claims of a valid v2.0 access token for u, to change and sign. clientID is the app
// that the token is for. Nil roles or scopes omit the claim.
func (s *Server) UserClaims(u User, clientID string, scopes, roles []string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.newTokenSpec(s.server.URL, audience{clientID, true}, callerClientID)
	m.addUser(u, scopes, roles)
	return m.claims
}

// AppClaims returns the claims of a valid v2.0 access token of the application client, to change and sign.
func (s *Server) AppClaims(client, clientID string, roles []string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.newTokenSpec(s.server.URL, audience{clientID, true}, client)
	m.addApplication(client, roles)
	return m.claims
}

// UserToken returns a valid v2.0 access token for u: [Server.UserClaims], signed.
func (s *Server) UserToken(u User, clientID string, scopes, roles []string) string {
	return s.Sign(s.UserClaims(u, clientID, scopes, roles))
}

// tokenSpec holds the claims of an access token before it is signed.
type tokenSpec struct {
	claims object
	tenant string
	to     audience
}

// newTokenSpec returns the claims that all access tokens have: v2.0 for the tenant's own apps, v1.0 for
// Microsoft's resources. The caller holds s.mu.
func (s *Server) newTokenSpec(base string, to audience, client string) tokenSpec {
	m := tokenSpec{s.timeClaims(s.options.ExpiresIn), s.options.Tenant, to}
	m.claims["aud"], m.claims["tid"] = to.name, m.tenant
	if to.own {
		m.claims["iss"], m.claims["ver"] = base+"/"+m.tenant+"/v2.0", "2.0"
		m.claims["azp"], m.claims["azpacr"] = client, "1"
	} else {
		m.claims["iss"], m.claims["ver"] = "https://sts.windows.net/"+m.tenant+"/", "1.0"
		m.claims["appid"], m.claims["appidacr"] = client, "1"
	}
	return m
}

// timeClaims returns the claims about time, and the token's id. The caller holds s.mu.
func (s *Server) timeClaims(life time.Duration) object {
	now := s.currentTime()
	return object{"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(), "uti": s.nextID("uti")}
}

func (m tokenSpec) addUser(u User, scopes, roles []string) {
	m.claims["oid"], m.claims["sub"] = u.ObjectID, deriveGUID("sub", u.ObjectID, m.to.name)
	m.claims["name"] = u.Name
	if m.to.own {
		m.claims["preferred_username"] = u.Username
	} else {
		m.claims["upn"], m.claims["unique_name"], m.claims["amr"] = u.Username, u.Username, []string{"pwd", "mfa"}
	}
	if scopes != nil {
		m.claims["scp"] = strings.Join(scopes, " ")
	}
	if roles != nil && m.to.own {
		m.claims["roles"] = slices.Clone(roles)
	}
}

// addApplication adds the claims of a service principal. idtyp is an optional claim, which scanwarden's app
// registration requests.
func (m tokenSpec) addApplication(client string, roles []string) {
	principal := deriveGUID("service principal", m.tenant, client)
	m.claims["oid"], m.claims["sub"], m.claims["idtyp"] = principal, principal, "app"
	if roles != nil {
		m.claims["roles"] = slices.Clone(roles)
	}
}

// newIDToken returns an ID token for app and u. The caller holds s.mu.
func (s *Server) newIDToken(base string, app App, u User, request scopeRequest) string {
	claims := s.timeClaims(time.Hour)
	maps.Copy(claims, object{
		"ver": "2.0", "iss": base + "/" + s.options.Tenant + "/v2.0", "aud": app.ClientID, "tid": s.options.Tenant,
		"oid": u.ObjectID, "sub": deriveGUID("sub", u.ObjectID, app.ClientID),
		"name": u.Name, "preferred_username": u.Username,
	})
	if request.nonce != "" {
		claims["nonce"] = request.nonce
	}
	if contexts := s.contextsFor(request.context); len(contexts) > 0 {
		claims["acrs"] = contexts
	}
	if len(u.Roles) > 0 {
		claims["roles"] = u.Roles
	}
	if s.options.IDToken != nil {
		s.options.IDToken(claims)
	}
	return s.currentKey().signToken(claims)
}
