package entratest

import (
	"net/http"
	"slices"
	"time"
)

// The grants, as the page on each names them. MSAL still sends device_code.
const (
	grantTypeApplication = "client_credentials"
	grantTypeOnBehalfOf  = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantTypeCode        = "authorization_code"
	grantTypeRefresh     = "refresh_token"
	grantTypeDevice      = "urn:ietf:params:oauth:grant-type:device_code"
	grantTypeDeviceShort = "device_code"
)

// handleToken serves the token endpoint.
func (s *Server) handleToken(c *call) (any, error) {
	grant := c.form.Get("grant_type")
	if grant == "" {
		return nil, missingParameter("grant_type")
	}
	app, err := s.findApp(c.form.Get("client_id"))
	if err != nil {
		return nil, err
	}
	if err := s.authenticateClient(c, app); err != nil {
		return nil, err
	}
	switch grant {
	case grantTypeApplication:
		return s.issueToApplication(c, app)
	case grantTypeOnBehalfOf:
		return s.exchangeOnBehalfOf(c, app)
	case grantTypeCode:
		return s.redeemCode(c, app)
	case grantTypeRefresh:
		return s.redeemRefreshToken(c, app)
	case grantTypeDevice, grantTypeDeviceShort:
		return s.redeemDeviceCode(c, app)
	}
	return nil, newRefusal(http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
}

// issueToApplication returns a token with all permissions the app was granted. An application cannot request
// fewer.
func (s *Server) issueToApplication(c *call, app App) (any, error) {
	request, err := readScope(c.form.Get("scope"))
	switch {
	case err != nil:
		return nil, err
	case c.form.Get("scope") == "":
		return nil, missingParameter("scope")
	case !request.isDefault():
		return nil, newRefusal(http.StatusBadRequest, "invalid_scope", 1002012,
			"The scope "+c.form.Get("scope")+" is not valid: with client credentials it must end in /.default.")
	}
	to, err := s.findAudience(request.resource)
	if err != nil {
		return nil, err
	}
	m := s.newTokenSpec(c.base, to, app.ClientID)
	m.addApplication(app.ClientID, s.grantedFor(app.Roles, to))
	return s.newTokenAnswer(c, m), nil
}

// newTokenAnswer returns the fields that all token answers have. The caller holds s.mu.
func (s *Server) newTokenAnswer(c *call, m tokenSpec) object {
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	a := object{
		"token_type": "Bearer", "access_token": s.newAccessToken(c, m),
		"expires_in": seconds(s.options.ExpiresIn), "ext_expires_in": seconds(s.options.ExpiresIn),
	}
	if s.options.RefreshIn > 0 {
		a["refresh_in"] = seconds(s.options.RefreshIn)
	}
	return a
}

// newAccessToken returns the signed token, or the one that the options have in its place. The caller holds s.mu.
func (s *Server) newAccessToken(c *call, m tokenSpec) string {
	if s.options.AccessToken != nil {
		return s.options.AccessToken(c.number, *c.record)
	}
	return s.currentKey().signToken(m.claims)
}

// refreshGrant is the user and the app that a refresh token was issued to. It covers all resources.
type refreshGrant struct {
	app, user string
	revoked   bool
}

// issueToUser returns a token for app in the name of u. The caller holds s.mu.
func (s *Server) issueToUser(c *call, app App, u User, request scopeRequest) (any, error) {
	to, scopes, err := s.checkConsent(app, request)
	if err != nil {
		return nil, err
	}
	m := s.newTokenSpec(c.base, to, app.ClientID)
	m.addUser(u, scopes, u.Roles)
	c.record.User = u.ObjectID
	a := s.newTokenAnswer(c, m)
	if !s.options.OmitScope {
		a["scope"] = request.scopeText(scopes)
	}
	if request.wantsOpenID("openid") {
		a["id_token"] = s.newIDToken(c.base, app, u, request)
	}
	if request.wantsOpenID("offline_access") {
		token := s.nextID("fake-refresh-token-")
		s.refreshes[token] = refreshGrant{app: app.ClientID, user: u.ObjectID}
		a["refresh_token"] = token
	}
	if c.form.Get("client_info") == "1" {
		a["client_info"] = encodePart(object{"uid": u.ObjectID, "utid": s.options.Tenant})
	}
	return a, nil
}

// redeemRefreshToken returns a new token for any resource that the app was consented to. The old refresh token
// stays valid.
func (s *Server) redeemRefreshToken(c *call, app App) (any, error) {
	token := c.form.Get("refresh_token")
	if token == "" {
		return nil, missingParameter("refresh_token")
	}
	held, ok := s.refreshes[token]
	if !ok || held.app != app.ClientID {
		return nil, newRefusal(http.StatusBadRequest, "invalid_grant", 70000, "The provided refresh token is not valid.")
	}
	if held.revoked {
		return nil, newRefusal(http.StatusBadRequest, "invalid_grant", 50173, "The provided grant has expired due to it being revoked.")
	}
	u, err := s.findUser(held.user)
	if err != nil {
		return nil, err
	}
	request, err := readScope(c.form.Get("scope"))
	if err != nil {
		return nil, err
	}
	request.openID = append(slices.Clone(request.openID), "offline_access")
	return s.issueToUser(c, app, u, request)
}
