package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"scanwarden/confirm"
	confirmweb "scanwarden/confirm/web"
	"scanwarden/defender/entra"
	"scanwarden/slackbot"
)

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

// newLinkPage is the page on which people of Slack sign in to Entra ID to join the two; nil where it is not offered.
func (b *Builder) newLinkPage(hosts []string) (http.Handler, error) {
	if !b.cfg.Slack.LinkAccounts {
		return nil, nil
	}
	public, err := b.cfg.PublicOrigin()
	if err != nil {
		return nil, err
	}
	app, err := b.cfg.EntraConfig(b.cfg.Azure)
	if err != nil {
		return nil, err
	}
	app.Mode = entra.Client // people's browsers talk to the application, however it signs in itself
	web, err := entra.NewWebSignIn(entra.WebSignInConfig{Config: app, RedirectURL: b.cfg.LinkURL() + "/callback"})
	if err != nil {
		return nil, err
	}
	return confirmweb.NewHandler(confirmweb.Config{
		SignIn:  confirmweb.SignIn{Begin: web.Begin, Finish: finishSignIn(web)},
		Hosts:   hosts,
		Key:     b.serverKey,
		Secure:  public.Scheme == "https",
		Command: b.cfg.SlashCommand("scans") + " link",
		Log:     b.log,
	})
}

// LinkURL is where people of Slack are sent; "" where the page is not offered.
func (c *Config) LinkURL() string {
	public, err := c.PublicOrigin()
	if err != nil || public == nil || !c.Slack.LinkAccounts {
		return ""
	}
	return public.Scheme + "://" + public.Host + LinkPath
}

// SlashCommand is the slash command for an operation, or for scans.
func (c *Config) SlashCommand(name string) string {
	if other := c.Slack.Commands[name]; other != "" {
		return other
	}
	return "/" + name
}

func finishSignIn(web *entra.WebSignIn) func(ctx context.Context, code, nonce, verifier string) (confirmweb.User, error) {
	return func(ctx context.Context, code, nonce, verifier string) (confirmweb.User, error) {
		user, err := web.Finish(ctx, code, nonce, verifier)
		if err != nil {
			return confirmweb.User{}, err
		}
		return confirmweb.User{Principal: confirm.Principal(strings.ToLower("entra:" + user.TenantID + "/" + user.ObjectID)), Name: user.Name}, nil
	}
}

// verifyProof opens what the page has shown somebody, and they have pasted into their Slack.
func (b *Builder) verifyProof(text string, now time.Time) (slackbot.SignedIn, error) {
	key, err := b.serverKey()
	if err != nil {
		return slackbot.SignedIn{}, errors.New("the proof cannot be checked right now; try again in a moment")
	}
	user, err := confirmweb.NewProofs(key).Open(text, now)
	return slackbot.SignedIn{Principal: user.Principal, Name: user.Name}, err
}

// serverKey seals what must come back unchanged: requestState, session ids, proofs.
func (b *Builder) serverKey() ([]byte, error) {
	ledger, err := prepareStore(b.cfg, b.env)
	if err != nil {
		return nil, err
	}
	key, err := loadServerKey(ledger.KeyDir)
	if err == nil && len(key) != KeySize {
		err = errors.New("server.key has the wrong size")
	}
	return key, err
}
