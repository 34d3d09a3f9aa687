package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	confirmweb "scanwarden/confirm/web"
	"scanwarden/defender/entra"
	"scanwarden/slackbot"
	"scanwarden/tools/mcpserver"
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
	signIn, err := b.newWebSignIn(config.LinkPath + "/callback")
	if err != nil {
		return nil, err
	}
	page, err := confirmweb.NewHandler(confirmweb.Config{
		SignIn:  signIn,
		Hosts:   hosts,
		Key:     b.serverKey,
		Secure:  public.Scheme == "https",
		Command: b.cfg.SlashCommand("scans") + " link",
		Log:     b.log,
	})
	if err != nil {
		return nil, err
	}
	return b.withCanonicalHost(hosts, page), nil
}

// newWebSignIn returns the sign-in of browsers with Entra ID, which sends them back to a path of the public URL.
func (b *Builder) newWebSignIn(callback string) (confirmweb.SignIn, error) {
	public, err := b.cfg.PublicOrigin()
	if err != nil {
		return confirmweb.SignIn{}, err
	}
	app, err := b.cfg.EntraConfig(b.cfg.Azure)
	if err != nil {
		return confirmweb.SignIn{}, err
	}
	app.Mode = entra.Client // browsers sign in to the application, whatever its own sign-in is
	web, err := entra.NewWebSignIn(entra.WebSignInConfig{Config: app, RedirectURL: public.Scheme + "://" + public.Host + callback})
	if err != nil {
		return confirmweb.SignIn{}, err
	}
	return confirmweb.SignIn{Begin: web.Begin, Finish: finishSignIn(web, b.cfg.ConfirmPolicy()), RequireContext: web.RequireContext}, nil
}

// withCanonicalHost returns a handler that passes requests to a page, which compares the Host header with hosts. It
// replaces another spelling of one of them, and logs about once a minute that a host is not among them.
func (b *Builder) withCanonicalHost(hosts []string, page http.Handler) http.Handler {
	seldom := &rate.Sometimes{Interval: time.Minute}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, ok := mcpserver.SameHost(hosts, r.Host); ok && host != r.Host {
			r = r.Clone(r.Context())
			r.Host = host
		} else if !ok {
			seldom.Do(func() {
				b.log.WarnContext(r.Context(), "a page was refused because of its Host header", "from", r.RemoteAddr,
					"do", "set http.public_url (SCANWARDEN_PUBLIC_URL) to the URL that browsers use, and let the proxy keep the Host header")
			})
		}
		page.ServeHTTP(w, r)
	})
}

// finishSignIn returns a function that exchanges the code of a sign-in for the signed-in user, with those roles that are
// listed as approvers and those authentication contexts that a rule requires: a cookie has no room for all.
func finishSignIn(web *entra.WebSignIn, policy confirm.Policy) func(ctx context.Context, code, nonce, verifier string) (confirmweb.User, error) {
	return func(ctx context.Context, code, nonce, verifier string) (confirmweb.User, error) {
		user, err := web.Finish(ctx, code, nonce, verifier)
		if err != nil {
			return confirmweb.User{}, err
		}
		found := confirmweb.User{Principal: confirm.Principal(strings.ToLower("entra:" + user.TenantID + "/" + user.ObjectID)), Name: user.Name}
		for _, role := range user.Roles {
			if group := "entra-role:" + role; slices.Contains(policy.Approvers, group) {
				found.Groups = append(found.Groups, group)
			}
		}
		for _, id := range user.Contexts {
			if slices.ContainsFunc(policy.Rules, func(r confirm.Rule) bool { return r.AuthContext == id }) {
				found.Contexts = append(found.Contexts, id)
			}
		}
		return found, nil
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
