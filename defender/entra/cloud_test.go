package entra_test

import (
	"testing"

	"scanwarden/defender/entra"
)

// The names are the real ones, so that MSAL's own list of clouds is what is tested; the wire leads to the fake.
func TestOtherClouds(t *testing.T) {
	for host, scope := range map[string]string{
		"login.microsoftonline.us":         "https://api-gov.securitycenter.microsoft.us/.default",
		"login.partner.microsoftonline.cn": "https://api.securitycenter.example.cn/.default",
	} {
		for _, mode := range []entra.Mode{entra.Client, entra.DeviceCode} {
			t.Run(host+" "+string(mode), func(t *testing.T) {
				inBubble(t, func(t *testing.T, f *fakeEntra) {
					var told prompts
					s := f.people(t, &told, func(c *entra.Config) {
						c.Mode, c.Authority, c.Scope = mode, "https://"+host, scope
						c.ClientSecret = func() (string, error) { return secret, nil }
					})
					wantToken(t, s, false, "1")
					if form := f.signIns()[0]; form.Get("scope") != scope+" openid offline_access profile" {
						t.Errorf("scope %q", form.Get("scope"))
					}
					f.mu.Lock()
					defer f.mu.Unlock()
					for _, asked := range f.hosts {
						if asked != host {
							t.Errorf("asked %s", asked)
						}
					}
				})
			})
		}
	}
}
