package server

import (
	"context"
	"errors"

	"scanwarden/cmd/scanwarden/internal/browser"
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools"
)

// pageAccess is how people reach the pages of changes on this server. The zero value is a server without pages.
type pageAccess struct {
	show    func(ctx context.Context, c confirm.Change) error // opens the page on this machine; nil if that is not possible
	url     func(change string) string                        // the https address of a page; nil if it has none
	problem func() string                                     // why no page can be used now, for users; "" if one can
	// contextPage returns the address of a page on which people sign in to Microsoft, for people only; nil if there is none.
	contextPage func(change string) string
	fallback    []confirm.Channel // channels to use where the client cannot be asked
}

// errNotYours means that a page was asked for a change of another user. The page opens as the user of this machine.
var errNotYours = errors.New("the page of a change opens only for the user who has asked for it")

// newLocalPages returns the pages of the user of this machine, and how they are reached. The caller must close them.
// Nothing listens and no browser is looked for before a change needs one.
func (b *Builder) newLocalPages(user confirm.Principal, back func() *lazyBackend) (*web.Local, pageAccess) {
	tenant, _ := b.cfg.TargetName() // without one, every call is refused before a page is needed
	pages := web.NewLocal(web.LocalConfig{
		User: user,
		Pages: web.ChangesConfig{
			Gate:   func(ctx context.Context) (*confirm.Gate, error) { return back().gate(ctx) },
			Tenant: tenant, Key: b.serverKey, Log: b.log,
			Typed: web.TypedCredentials{Parts: tools.TypedParts, Hold: b.typed.Hold},
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
	open, err := FindBrowser(b.cfg.Browser, b.env)
	if err != nil {
		return err
	}
	return open(ctx, url)
}

// FindBrowser returns a function that shows an address in the local user's browser: program, as SCANWARDEN_BROWSER has it, or
// the one that is found. Its error says why there is none.
func FindBrowser(program string, env config.Environment) (open func(ctx context.Context, url string) error, err error) {
	found, err := browser.Find(browser.Config{Program: program, Env: env})
	if err != nil {
		return nil, err
	}
	return found.Open, nil
}

// browserProblem returns why no browser can be opened on this machine now, and "" if one can.
func (b *Builder) browserProblem() string {
	if b.OpenBrowser != nil {
		return ""
	}
	if _, err := FindBrowser(b.cfg.Browser, b.env); err != nil {
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
