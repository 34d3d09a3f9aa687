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

// linkPath is where a person of Slack joins their Entra account.
const linkPath = "/link"

// checkLink refuses a page that nobody could use.
func (c *config) checkLink() error {
	setting := c.at("slack.link_accounts")
	switch {
	case !c.Slack.LinkAccounts:
		return nil
	case !c.slackConfigured():
		return setting.wrong("Slack is not configured; set SLACK_BOT_TOKEN, or take the setting away")
	case c.HTTP.PublicURL == "":
		return setting.wrong("people's browsers come to PUBLIC_URL%s; set http.public_url (SCANWARDEN_PUBLIC_URL)", linkPath)
	case c.Azure.Tenant == "" || c.Azure.Client == "" || !c.Azure.hasCredential():
		return setting.wrong("the page signs people in with the app registration of AZURE_CLIENT_ID; set AZURE_TENANT_ID, AZURE_CLIENT_ID and its credential, and add PUBLIC_URL%s/callback to the app's web redirect URIs", linkPath)
	}
	return nil
}

// linkPage is the page on which people of Slack sign in to Entra ID to join the two; nil where it is not offered.
func (bp blueprint) linkPage(hosts []string) (http.Handler, error) {
	if !bp.cfg.Slack.LinkAccounts {
		return nil, nil
	}
	public, err := bp.cfg.publicOrigin()
	if err != nil {
		return nil, err
	}
	app, err := bp.cfg.entra(bp.cfg.Azure)
	if err != nil {
		return nil, err
	}
	app.Mode = entra.Client // people's browsers talk to the application, however it signs in itself
	web, err := entra.NewWebSignIn(entra.WebSignInConfig{Config: app, RedirectURL: bp.cfg.linkURL() + "/callback"})
	if err != nil {
		return nil, err
	}
	return confirmweb.NewHandler(confirmweb.Config{
		SignIn:  confirmweb.SignIn{Begin: web.Begin, Finish: finishing(web)},
		Hosts:   hosts,
		Key:     bp.serverKey,
		Secure:  public.Scheme == "https",
		Command: bp.cfg.command("scans") + " link",
		Log:     bp.log,
	})
}

// linkURL is where people of Slack are sent; "" where the page is not offered.
func (c *config) linkURL() string {
	public, err := c.publicOrigin()
	if err != nil || public == nil || !c.Slack.LinkAccounts {
		return ""
	}
	return public.Scheme + "://" + public.Host + linkPath
}

// command is the slash command for an operation, or for scans.
func (c *config) command(name string) string {
	if other := c.Slack.Commands[name]; other != "" {
		return other
	}
	return "/" + name
}

func finishing(web *entra.WebSignIn) func(ctx context.Context, code, nonce, verifier string) (confirmweb.User, error) {
	return func(ctx context.Context, code, nonce, verifier string) (confirmweb.User, error) {
		user, err := web.Finish(ctx, code, nonce, verifier)
		if err != nil {
			return confirmweb.User{}, err
		}
		return confirmweb.User{Principal: confirm.Principal(strings.ToLower("entra:" + user.TenantID + "/" + user.ObjectID)), Name: user.Name}, nil
	}
}

// openProof opens what the page has shown somebody, and they have pasted into their Slack.
func (bp blueprint) openProof(text string, now time.Time) (slackbot.SignedIn, error) {
	key, err := bp.serverKey()
	if err != nil {
		return slackbot.SignedIn{}, errors.New("the proof cannot be checked right now; try again in a moment")
	}
	user, err := confirmweb.NewProofs(key).Open(text, now)
	return slackbot.SignedIn{Principal: user.Principal, Name: user.Name}, err
}

// serverKey seals what must come back unchanged: requestState, session ids, proofs.
func (bp blueprint) serverKey() ([]byte, error) {
	ledger, err := bp.cfg.ledger(bp.env)
	if err != nil {
		return nil, err
	}
	key, err := serverKey(ledger.KeyDir)
	if err == nil && len(key) != keySize {
		err = errors.New("server.key has the wrong size")
	}
	return key, err
}
