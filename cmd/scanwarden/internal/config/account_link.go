package config

// LinkPath is where a person of Slack joins their Entra account.
const LinkPath = "/link"

// checkAccountLink refuses a page that nobody could use.
func (c *Config) checkAccountLink() error {
	setting := c.OriginOf("slack.link_accounts")
	switch {
	case !c.Slack.LinkAccounts:
		return nil
	case !c.SlackConfigured():
		return setting.Errorf("Slack is not configured; set SLACK_BOT_TOKEN, or take the setting away")
	case c.HTTP.PublicURL == "":
		return setting.Errorf("people's browsers come to PUBLIC_URL%s; set http.public_url (SCANWARDEN_PUBLIC_URL)", LinkPath)
	case c.Azure.Tenant == "" || c.Azure.Client == "" || !c.Azure.HasCredential():
		return setting.Errorf("the page signs people in with the app registration of AZURE_CLIENT_ID; set AZURE_TENANT_ID, AZURE_CLIENT_ID and its credential, and add PUBLIC_URL%s/callback to the app's web redirect URIs", LinkPath)
	}
	return nil
}

// LinkURL is where people of Slack are sent; "" where the page is not offered.
func (c *Config) LinkURL() string {
	public, err := c.PublicOrigin()
	if err != nil || public == nil || !c.Slack.LinkAccounts {
		return ""
	}
	return public.Scheme + "://" + public.Host + LinkPath
}
