package config

// LinkPath is the path of the page on which Slack users link their Entra account.
const LinkPath = "/link"

// checkAccountLink returns an error if account linking is enabled and the page could not work.
func (c *Config) checkAccountLink() error {
	setting := c.OriginOf("slack.link_accounts")
	switch {
	case !c.Slack.LinkAccounts:
		return nil
	case !c.SlackConfigured():
		return setting.Errorf("Slack is not configured; set SLACK_BOT_TOKEN, or unset this setting")
	case c.HTTP.PublicURL == "":
		return setting.Errorf("browsers open PUBLIC_URL%s; set http.public_url (SCANWARDEN_PUBLIC_URL)", LinkPath)
	case c.Azure.Tenant == "" || c.Azure.Client == "" || !c.Azure.HasCredential():
		return setting.Errorf("the page signs users in with the app registration of AZURE_CLIENT_ID; set AZURE_TENANT_ID, AZURE_CLIENT_ID and its credential, and add PUBLIC_URL%s/callback to the app's web redirect URIs", LinkPath)
	}
	return nil
}

// LinkURL returns the URL of the account linking page, or "" if linking is not enabled.
func (c *Config) LinkURL() string {
	public, err := c.PublicOrigin()
	if err != nil || public == nil || !c.Slack.LinkAccounts {
		return ""
	}
	return public.Scheme + "://" + public.Host + LinkPath
}
