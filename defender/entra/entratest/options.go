package entratest

import (
	"cmp"
	"crypto/rsa"
	"time"
)

// Options configures the tenant. The zero value is useful.
type Options struct {
	Tenant             string           // GUID; "" means [Tenant]
	Now                func() time.Time // Entra ID's clock; nil means time.Now
	ExpiresIn          time.Duration    // lifetime of an access token; 0 means 3599 s; may be negative
	RefreshIn          time.Duration    // refresh_in of a token answer; 0 omits it
	DeviceCodeLifetime time.Duration    // 0 means 15 minutes
	Latency            time.Duration    // of each answer of the token endpoint
	Resources          []string         // Microsoft's own resources in the tenant; nil means Defender, KeyVault and Graph
	CorrelationID      string           // of each refusal; "" means the request's client-request-id, or a new one
	OmitScope          bool             // leave the scope out of token answers, which RFC 6749, 5.1, permits if it is the requested one

	// Only read by New.
	InMemory   bool            // listen in memory instead of on a port, for a synctest bubble; only [Server.Client] connects
	Hosts      []string        // more names for the certificate
	SigningKey *rsa.PrivateKey // the tenant's first key; nil makes one of 2048 bits

	// The functions below run with the Server locked and must not call it.

	// AccessToken returns the access token for the nth token request, in place of a signed one. Clients must treat
	// access tokens as opaque, and a test can search for a text of its own. nil means that tokens are signed.
	AccessToken func(n int, r Request) string
	// IDToken changes the claims of an ID token before it is signed; nil leaves them.
	IDToken func(claims map[string]any)
}

func (o Options) withDefaults() Options {
	o.Tenant = cmp.Or(o.Tenant, Tenant)
	o.ExpiresIn = cmp.Or(o.ExpiresIn, 3599*time.Second)
	o.DeviceCodeLifetime = cmp.Or(o.DeviceCodeLifetime, deviceCodeLifetime)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Resources == nil {
		o.Resources = []string{Defender, KeyVault, graph}
	}
	return o
}

// Change changes the options of a running server. change runs with the Server locked and must not call it.
func (s *Server) Change(change func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.options)
	s.options = s.options.withDefaults()
}
