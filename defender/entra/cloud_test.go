package entra_test

import (
	"testing"

	"scanwarden/defender/entra"
)

// The names are the real ones, so that MSAL's own list of clouds is tested. All connections lead to the fake.
func TestOtherClouds(t *testing.T) {
	for host, scope := range map[string]string{
		"login.microsoftonline.us":         "https://api-gov.securitycenter.microsoft.us/.default",
		"login.partner.microsoftonline.cn": "https://api.securitycenter.example.cn/.default",
	} {
		for _, mode := range []entra.Mode{entra.Client, entra.DeviceCode} {
			t.Run(host+" "+string(mode), func(t *testing.T) {
				inBubble(t, func(t *testing.T, f *fakeTenant) {
					var shown prompts
					s := f.userSource(t, &shown, func(c *entra.Config) {
						c.Mode, c.Authority, c.Scope = mode, "https://"+host, scope
						c.ClientSecret = func() (string, error) { return secret, nil }
					})
					wantToken(t, s, false, "1")
					if form := f.TokenForms()[0]; form.Get("scope") != scope+" openid offline_access profile" {
						t.Errorf("scope %q", form.Get("scope"))
					}
					for _, r := range f.Requests() {
						if r.Host != host {
							t.Errorf("asked %s", r.Host)
						}
					}
				})
			})
		}
	}
}
