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

// newLinkPage returns the page on which Slack users sign in to Entra ID to link the two accounts. It returns nil if
// linking is not enabled.
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
	app.Mode = entra.Client // browsers sign in to the application, whatever its own sign-in is
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

// finishSignIn returns a function that exchanges the code of a sign-in for the signed-in user.
func finishSignIn(web *entra.WebSignIn) func(ctx context.Context, code, nonce, verifier string) (confirmweb.User, error) {
	return func(ctx context.Context, code, nonce, verifier string) (confirmweb.User, error) {
		user, err := web.Finish(ctx, code, nonce, verifier)
		if err != nil {
			return confirmweb.User{}, err
		}
		return confirmweb.User{Principal: confirm.Principal(strings.ToLower("entra:" + user.TenantID + "/" + user.ObjectID)), Name: user.Name}, nil
	}
}

// verifyProof returns the user of a proof that the linking page showed, and the user has pasted into Slack.
func (b *Builder) verifyProof(text string, now time.Time) (slackbot.SignedIn, error) {
	key, err := b.serverKey()
	if err != nil {
		return slackbot.SignedIn{}, errors.New("the proof cannot be checked right now; try again in a moment")
	}
	user, err := confirmweb.NewProofs(key).Open(text, now)
	return slackbot.SignedIn{Principal: user.Principal, Name: user.Name}, err
}
