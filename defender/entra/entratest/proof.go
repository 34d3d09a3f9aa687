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

// invalidClient returns the refusal of a client's credential.
func invalidClient(code int, text string) *refusal {
	return newRefusal(http.StatusUnauthorized, "invalid_client", code, text)
}

// authenticateClient compares the credential in the form with the app's.
func (s *Server) authenticateClient(c *call, app App) error {
	switch {
	case c.form.Has("client_secret") && c.form.Has("client_assertion"):
		return newRefusal(http.StatusBadRequest, "invalid_request", 90023, "Send a client secret or a client assertion, not both.")
	case c.form.Has("client_secret"):
		return app.checkSecret(c.form.Get("client_secret"))
	case c.form.Has("client_assertion"):
		return s.checkAssertion(c, app)
	case c.form.Get("grant_type") == grantTypeApplication:
		return invalidClient(7000216, "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
	case !app.Public || c.form.Get("grant_type") == grantTypeOnBehalfOf:
		return invalidClient(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	return nil
}

func (a App) checkSecret(secret string) error {
	if a.Public && a.Secret == "" && a.Certificate == nil && a.Federation == nil {
		return invalidClient(700025, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")
	}
	if a.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(a.Secret)) != 1 {
		return invalidClient(7000215, "Invalid client secret provided.")
	}
	if a.ExpiredSecret {
		return invalidClient(7000222, "The provided client secret keys for app '"+a.ClientID+"' are expired.")
	}
	return nil
}

func (s *Server) checkAssertion(c *call, app App) error {
	if c.form.Get("client_assertion_type") != jwtAssertion {
		return newRefusal(http.StatusBadRequest, "invalid_request", 90023, "The client_assertion_type must be "+jwtAssertion+".")
	}
	t, err := parseJWS(c.form.Get("client_assertion"))
	if err != nil {
		return invalidClient(50027, "The JWT token is invalid or malformed.")
	}
	if t.isExpired(s.currentTime()) || t.claims["nbf"] != nil && !t.hasBegun(s.currentTime()) {
		return invalidClient(700024, "Client assertion is not within its valid time range.")
	}
	if f := app.Federation; f != nil && t.textClaim("iss") != app.ClientID {
		return f.checkToken(t)
	}
	return app.checkCertificate(c, t)
}

// checkToken compares another issuer's token with the federation.
func (f *Federation) checkToken(t *jws) error {
	switch {
	case t.textClaim("iss") != f.Issuer:
		return invalidClient(700211, "No matching federated identity record found for the presented assertion's issuer.")
	case t.textClaim("aud") != tokenExchange:
		return invalidClient(700212, "No matching federated identity record found for the presented assertion's audience.")
	case t.textClaim("sub") != f.Subject:
		return invalidClient(700213, "No matching federated identity record found for the presented assertion's subject.")
	case f.Key != nil && !t.isSignedBy(f.Key):
		return invalidClient(50013, "Assertion failed signature validation.")
	}
	return nil
}

// checkCertificate checks an assertion of the app about itself and for this tenant (the page on certificate
// credentials). It must name the app's certificate and be signed with its key.
func (a App) checkCertificate(c *call, t *jws) error {
	tenant := c.base + "/" + c.PathValue("tenant")
	audiences := []string{tenant + "/oauth2/v2.0/token", tenant + "/v2.0"}
	switch {
	case t.textClaim("iss") != a.ClientID || t.textClaim("sub") != a.ClientID:
		return invalidClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	case !slices.Contains(audiences, t.textClaim("aud")):
		return invalidClient(700023, "Client assertion audience claim does not match realm issuer.")
	case !a.hasSigned(t):
		return invalidClient(700027, "The certificate with identifier used to sign the client assertion is not registered on application.")
	}
	return nil
}

// hasSigned reports whether the app's certificate is named in t and its key has signed t.
func (a App) hasSigned(t *jws) bool {
	if a.Certificate == nil {
		return false
	}
	key, ok := a.Certificate.PublicKey.(*rsa.PublicKey)
	long, short := sha256.Sum256(a.Certificate.Raw), sha1.Sum(a.Certificate.Raw)
	named := isThumbprint(t.header.X5tS256, long[:]) || isThumbprint(t.header.X5t, short[:])
	return ok && named && t.isSignedBy(key)
}

// isThumbprint reports whether text encodes sum. RFC 7515 requires base64url; MSAL for Go uses the standard
// alphabet.
func isThumbprint(text string, sum []byte) bool {
	return text == base64.RawURLEncoding.EncodeToString(sum) || text == base64.StdEncoding.EncodeToString(sum)
}
