package server

import (
	"context"
	"errors"

	"scanwarden/cmd/scanwarden/internal/browser"
	"scanwarden/confirm"
	"scanwarden/confirm/web"
)

// pageAccess is how people reach the pages of changes on this server. The zero value is a server without pages.
type pageAccess struct {
	show     func(ctx context.Context, c confirm.Change) error // opens the page on this machine; nil if that is not possible
	url      func(change string) string                        // the https address of a page; nil if it has none
	problem  func() string                                     // why nobody can be asked on a page now, for users; "" if they can
	fallback []confirm.Channel                                 // channels to use where the client cannot be asked
}

// errNotYours means that a page was asked for a change of somebody else. The page opens as the user of this machine.
var errNotYours = errors.New("the page of a change opens only for the user who has asked for it")

// newLocalPages returns the pages of user, who sits at this machine, and how they are reached. The caller must close them.
// Nothing listens and no browser is looked for before a change needs one.
func (b *Builder) newLocalPages(user confirm.Principal, back func() *lazyBackend) (*web.Local, pageAccess) {
	tenant, _ := b.cfg.TargetName() // without one, every call is refused before a page is needed
	pages := web.NewLocal(web.LocalConfig{
		User: user,
		Pages: web.ChangesConfig{
			Gate: func(ctx context.Context) (*confirm.Gate, error) {
				built, err := back().get(ctx)
				if err != nil {
					return nil, err
				}
				return built.Gate, nil
			},
			Tenant: tenant, Key: b.serverKey, Log: b.log,
		},
		Open: b.openBrowser,
	})
	return pages, pageAccess{
		show: func(ctx context.Context, c confirm.Change) error {
			if c.Requester != user {
				return errNotYours
			}
			return pages.Show(ctx, c)
		},
		problem:  b.browserProblem,
		fallback: b.cfg.FallbackChannels(),
	}
}

// openBrowser shows the address in the local user's browser.
func (b *Builder) openBrowser(ctx context.Context, url string) error {
	if b.OpenBrowser != nil {
		return b.OpenBrowser(ctx, url)
	}
	found, err := browser.Find(browser.Config{Program: b.cfg.Browser, Env: b.env})
	if err != nil {
		return err
	}
	return found.Open(ctx, url)
}

// browserProblem returns why no browser can be opened on this machine now, and "" if one can.
func (b *Builder) browserProblem() string {
	if b.OpenBrowser != nil {
		return ""
	}
	if _, err := browser.Find(browser.Config{Program: b.cfg.Browser, Env: b.env}); err != nil {
		return "No page can be opened here: " + err.Error() + ". Add terminal to SCANWARDEN_CONFIRM_WITH, or set SCANWARDEN_BROWSER to a browser."
	}
	return ""
}

// channelProblem returns why no approver can be asked on a channel now, and "" if one can.
func (b *Builder) channelProblem(c confirm.Channel) string {
	switch {
	case c == confirm.Slack && b.bot != nil:
		return b.bot.Problem()
	case c == confirm.WebPage && b.pages.problem != nil:
		return b.pages.problem()
	case c == confirm.WebPage:
		return "This server has no pages on which people confirm; take page out of SCANWARDEN_CONFIRM_WITH."
	}
	return ""
}
