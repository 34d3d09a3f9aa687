package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Link joins two principals of one human being, who has proved to be both.
type Link struct {
	From Principal // "slack:TEAM/USER"
	To   Principal // "entra:TENANT/OBJECT"
	Name string    // how To calls them, for people; at most 1 KiB
	How  string    // "sign-in" or "e-mail"
	At   time.Time
}

const (
	maxPrincipalLen = 256  // bytes of either side of a link
	maxTextLen      = 1024 // bytes of a link's name, or of why it is taken back
)

// Link records that two principals are one person, once: a principal that is joined already, by configuration or
// by a link, is refused with ErrRefused unless it is the very same link again. The zero At means now.
func (g *Gate) Link(ctx context.Context, l Link) error {
	if err := l.validate(); err != nil {
		return asRefusal(err)
	}
	if l.At.IsZero() {
		l.At = g.cfg.Now()
	}
	done, err := g.checkLink(ctx, l)
	if err != nil || done {
		return err
	}
	err = g.cfg.Store.Link(ctx, l)
	if errors.Is(err, ErrMoved) { // somebody else linked one of them meanwhile: perhaps the same person, twice
		if done, err := g.checkLink(ctx, l); err != nil || done {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("link %s: %w", l.From, err)
	}
	return nil
}

// checkLink refuses what contradicts what is known; done says that there is nothing left to record.
func (g *Gate) checkLink(ctx context.Context, l Link) (done bool, err error) {
	links, err := g.cfg.Store.Links(ctx)
	if err != nil {
		return false, fmt.Errorf("link %s: read who is who: %w", l.From, err)
	}
	if slices.ContainsFunc(links, l.equals) {
		return true, nil
	}
	who := newIdentities(g.cfg.Policy.People, links)
	switch {
	case who.samePerson(l.From, l.To):
		return true, nil // the configuration says so
	case who.personIndex(l.From) >= 0 && who.personIndex(l.To) >= 0:
		return false, asRefusal(fmt.Errorf("%s and %s are two people in the configuration; have an operator join them under people", l.From, l.To))
	}
	if len(who.personOf(l.From).Principals) > 1 {
		return false, asRefusal(fmt.Errorf("%s is joined to another account already; have an operator take that link back, or alter the configuration's people", l.From))
	}
	// Other names of the same person, such as a token's, do no harm: the sign-in proves who it is.
	if slices.ContainsFunc(who.personOf(l.To).Principals, func(p Principal) bool { return p.hasForm("slack") }) {
		return false, asRefusal(fmt.Errorf("%s is joined to another account of Slack's already; have an operator take that link back, or alter the configuration's people", l.To))
	}
	return false, nil
}

func (l Link) equals(other Link) bool { return l.From == other.From && l.To == other.To }

// validate holds a link against its form.
func (l Link) validate() error {
	switch {
	case !l.From.hasForm("slack"):
		return fmt.Errorf("%q is not slack:TEAM/USER; only a Slack account can be linked", l.From)
	case !l.To.hasForm("entra"):
		return fmt.Errorf("%q is not entra:TENANT/OBJECT; a Slack account can be linked only to an Entra account", l.To)
	case l.How != "sign-in" && l.How != "e-mail":
		return fmt.Errorf("%q is no way to prove who somebody is; link by sign-in or by e-mail", l.How)
	case len(l.Name) > maxTextLen:
		return fmt.Errorf("the name has %d bytes and may have %d; shorten it", len(l.Name), maxTextLen)
	}
	return nil
}

// hasForm reports whether a principal is KIND:A/B, and not too long to be kept.
func (p Principal) hasForm(kind string) bool {
	rest, ok := strings.CutPrefix(string(p), kind+":")
	a, b, parts := strings.Cut(rest, "/")
	return ok && parts && a != "" && b != "" && !strings.Contains(b, "/") && len(p) <= maxPrincipalLen
}

// Unlink takes a link back; only an operator, or the face that made it by e-mail, may. A vote that was cast while
// it stood stays the vote of both: the other cannot add to it. Where there is no link it is ErrNotFound.
func (g *Gate) Unlink(ctx context.Context, from Principal, why string) error {
	if len(why) > maxTextLen {
		return asRefusal(fmt.Errorf("the reason has %d bytes and may have %d; shorten it", len(why), maxTextLen))
	}
	err := g.cfg.Store.Unlink(ctx, from, g.cfg.Now(), why)
	switch {
	case errors.Is(err, ErrNotFound):
		return kindError{fmt.Errorf("%s is linked to nobody; there is nothing to take back", from), ErrNotFound}
	case err != nil:
		return fmt.Errorf("unlink %s: %w", from, err)
	}
	return nil
}

// Person is everything known of the human behind a principal: configured and linked.
func (g *Gate) Person(ctx context.Context, of Principal) (Person, error) {
	e, err := g.loadAuthorizer(ctx)
	if err != nil {
		return Person{}, err
	}
	known := e.ids.personOf(of)
	known.Principals = slices.Clone(known.Principals)
	return known, nil
}
