package entratest

import (
	"net/http"
	"slices"
	"time"
)

// The grants; the page on each names it. MSAL still says device_code in short.
const (
	grantApplication = "client_credentials"
	grantOnBehalfOf  = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantCode        = "authorization_code"
	grantRefresh     = "refresh_token"
	grantDevice      = "urn:ietf:params:oauth:grant-type:device_code"
	grantDeviceShort = "device_code"
)

// token is the token endpoint.
func (s *Server) token(c *call) (any, error) {
	grant := c.form.Get("grant_type")
	if grant == "" {
		return nil, missing("grant_type")
	}
	app, err := s.app(c.form.Get("client_id"))
	if err != nil {
		return nil, err
	}
	if err := s.authenticate(c, app); err != nil {
		return nil, err
	}
	switch grant {
	case grantApplication:
		return s.forApplication(c, app)
	case grantOnBehalfOf:
		return s.onBehalfOf(c, app)
	case grantCode:
		return s.byCode(c, app)
	case grantRefresh:
		return s.byRefresh(c, app)
	case grantDevice, grantDeviceShort:
		return s.byDevice(c, app)
	}
	return nil, refuse(http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
}

// forApplication gives an app all that it was granted: nothing less can be asked for.
func (s *Server) forApplication(c *call, app App) (any, error) {
	want, err := readScope(c.form.Get("scope"))
	switch {
	case err != nil:
		return nil, err
	case c.form.Get("scope") == "":
		return nil, missing("scope")
	case !want.all():
		return nil, refuse(http.StatusBadRequest, "invalid_scope", 1002012,
			"The scope "+c.form.Get("scope")+" is not valid: with client credentials it must end in /.default.")
	}
	to, err := s.audience(want.resource)
	if err != nil {
		return nil, err
	}
	m := s.mint(c.base, to, app.ClientID)
	m.application(app.ClientID, s.granted(app.Roles, to))
	return s.answer(m), nil
}

// answer is what all token answers have. It needs the lock.
func (s *Server) answer(m minting) object {
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	a := object{
		"token_type": "Bearer", "access_token": s.signing().sign(m.claims),
		"expires_in": seconds(s.options.ExpiresIn), "ext_expires_in": seconds(s.options.ExpiresIn),
	}
	if s.options.RefreshIn > 0 {
		a["refresh_in"] = seconds(s.options.RefreshIn)
	}
	return a
}

// A session is what a refresh token stands for. It is of a person and an app, not of a resource.
type session struct {
	app, user string
	revoked   bool
}

// forPerson gives app a token in the name of u. It needs the lock.
func (s *Server) forPerson(c *call, app App, u User, want ask) (any, error) {
	to, scopes, err := s.delegated(app, want)
	if err != nil {
		return nil, err
	}
	m := s.mint(c.base, to, app.ClientID)
	m.person(u, scopes, u.Roles)
	a := s.answer(m)
	a["scope"] = want.echo(scopes)
	if want.wants("openid") {
		a["id_token"] = s.idToken(c.base, app, u, want.nonce)
	}
	if want.wants("offline_access") {
		token := s.id("fake-refresh-token-")
		s.refreshes[token] = session{app: app.ClientID, user: u.ObjectID}
		a["refresh_token"] = token
	}
	if c.form.Get("client_info") == "1" {
		a["client_info"] = encodePart(object{"uid": u.ObjectID, "utid": s.options.Tenant})
	}
	c.record.User = u.ObjectID
	return a, nil
}

// byRefresh gives a new token for any resource that the app was consented to. The old refresh token stays good.
func (s *Server) byRefresh(c *call, app App) (any, error) {
	token := c.form.Get("refresh_token")
	if token == "" {
		return nil, missing("refresh_token")
	}
	held, ok := s.refreshes[token]
	if !ok || held.app != app.ClientID {
		return nil, refuse(http.StatusBadRequest, "invalid_grant", 70000, "The provided refresh token is not valid.")
	}
	if held.revoked {
		return nil, refuse(http.StatusBadRequest, "invalid_grant", 50173, "The provided grant has expired due to it being revoked.")
	}
	u, err := s.user(held.user)
	if err != nil {
		return nil, err
	}
	want, err := readScope(c.form.Get("scope"))
	if err != nil {
		return nil, err
	}
	want.openID = append(slices.Clone(want.openID), "offline_access")
	return s.forPerson(c, app, u, want)
}
