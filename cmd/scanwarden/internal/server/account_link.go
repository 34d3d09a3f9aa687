package server

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
