package entratest

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
)

const (
	jwtAssertion  = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523, 2.2
	tokenExchange = "api://AzureADTokenExchange"
)

func unproven(code int, text string) *refusal {
	return refuse(http.StatusUnauthorized, "invalid_client", code, text)
}

// authenticate holds what the client sent for proof against what the app has.
func (s *Server) authenticate(c *call, app App) error {
	switch {
	case c.form.Has("client_secret") && c.form.Has("client_assertion"):
		return refuse(http.StatusBadRequest, "invalid_request", 90023, "Send a client secret or a client assertion, not both.")
	case c.form.Has("client_secret"):
		return app.checkSecret(c.form.Get("client_secret"))
	case c.form.Has("client_assertion"):
		return s.checkAssertion(c, app)
	case c.form.Get("grant_type") == grantApplication:
		return unproven(7000216, "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
	case !app.Public || c.form.Get("grant_type") == grantOnBehalfOf:
		return unproven(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	return nil
}

func (a App) checkSecret(secret string) error {
	if a.Public && a.Secret == "" && a.Certificate == nil && a.Federation == nil {
		return unproven(700025, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")
	}
	if a.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(a.Secret)) != 1 {
		return unproven(7000215, "Invalid client secret provided.")
	}
	if a.ExpiredSecret {
		return unproven(7000222, "The provided client secret keys for app '"+a.ClientID+"' are expired.")
	}
	return nil
}

func (s *Server) checkAssertion(c *call, app App) error {
	if c.form.Get("client_assertion_type") != jwtAssertion {
		return refuse(http.StatusBadRequest, "invalid_request", 90023, "The client_assertion_type must be "+jwtAssertion+".")
	}
	t, err := readJWS(c.form.Get("client_assertion"))
	if err != nil {
		return unproven(50027, "The JWT token is invalid or malformed.")
	}
	if t.over(s.now()) || t.claims["nbf"] != nil && !t.begun(s.now()) {
		return unproven(700024, "Client assertion is not within its valid time range.")
	}
	if f := app.Federation; f != nil && t.text("iss") != app.ClientID {
		return f.check(t)
	}
	return app.checkCertificate(c, t)
}

// check holds another issuer's token against the federation.
func (f *Federation) check(t *jws) error {
	switch {
	case t.text("iss") != f.Issuer:
		return unproven(700211, "No matching federated identity record found for the presented assertion's issuer.")
	case t.text("aud") != tokenExchange:
		return unproven(700212, "No matching federated identity record found for the presented assertion's audience.")
	case t.text("sub") != f.Subject:
		return unproven(700213, "No matching federated identity record found for the presented assertion's subject.")
	case f.Key != nil && !t.signedBy(f.Key):
		return unproven(50013, "Assertion failed signature validation.")
	}
	return nil
}

// checkCertificate wants an assertion of the app itself, about itself and for this tenant (the page on certificate
// credentials), signed with the key of its certificate and naming it.
func (a App) checkCertificate(c *call, t *jws) error {
	tenant := c.base + "/" + c.PathValue("tenant")
	audiences := []string{tenant + "/oauth2/v2.0/token", tenant + "/v2.0"}
	switch {
	case t.text("iss") != a.ClientID || t.text("sub") != a.ClientID:
		return unproven(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	case !slices.Contains(audiences, t.text("aud")):
		return unproven(700023, "Client assertion audience claim does not match realm issuer.")
	case !a.holds(t):
		return unproven(700027, "The certificate with identifier used to sign the client assertion is not registered on application.")
	}
	return nil
}

func (a App) holds(t *jws) bool {
	if a.Certificate == nil {
		return false
	}
	key, ok := a.Certificate.PublicKey.(*rsa.PublicKey)
	long, short := sha256.Sum256(a.Certificate.Raw), sha1.Sum(a.Certificate.Raw)
	named := isThumbprint(t.header.X5tS256, long[:]) || isThumbprint(t.header.X5t, short[:])
	return ok && named && t.signedBy(key)
}

// isThumbprint takes both alphabets: RFC 7515 has base64url, MSAL for Go the other.
func isThumbprint(text string, sum []byte) bool {
	return text == base64.RawURLEncoding.EncodeToString(sum) || text == base64.StdEncoding.EncodeToString(sum)
}
