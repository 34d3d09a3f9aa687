package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Link records that two principals belong to one person, as that person has proved.
type Link struct {
	From Principal // "slack:TEAM/USER"
	To   Principal // "entra:TENANT/OBJECT"
	Name string    // the display name of To; at most 1 KiB
	How  string    // how it was proved: "sign-in" or "e-mail"
	At   time.Time
	MAC  string // authenticates the link, under the server key; Gate.Link sets it
}

const (
	maxPrincipalLen = 256  // bytes of either side of a link
	maxTextLen      = 1024 // bytes of a link's name, or of the reason for removing it
)

// Link records that two principals belong to one person. Recording the same link again does nothing. It returns
// ErrRefused if the configuration or another link already joins one of them to another account. The zero At means now.
func (g *Gate) Link(ctx context.Context, l Link) error {
	if err := l.validate(); err != nil {
		return asRefusal(err)
	}
	if l.At.IsZero() {
		l.At = g.cfg.Now()
	}
	l.At = time.UnixMicro(l.At.UnixMicro()).UTC()
	l.MAC = g.mac.link(l)
	done, err := g.checkLink(ctx, l)
	if err != nil || done {
		return err
	}
	if err := g.removeInvalidLinks(ctx, l); err != nil {
		return err
	}
	err = g.cfg.Store.Link(ctx, l)
	if errors.Is(err, ErrMoved) { // another caller linked one of them meanwhile: perhaps the same person, twice
		if done, err := g.checkLink(ctx, l); err != nil || done {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("link %s: %w", l.From, err)
	}
	return nil
}

// checkLink returns a refusal if l contradicts what is known, and done if l is already known.
func (g *Gate) checkLink(ctx context.Context, l Link) (done bool, err error) {
	links, _, err := g.loadLinks(ctx)
	if err != nil {
		return false, fmt.Errorf("link %s: %w", l.From, err)
	}
	if slices.ContainsFunc(links, l.equals) {
		return true, nil
	}
	ids := newIdentities(g.cfg.Policy.People, links)
	switch {
	case ids.samePerson(l.From, l.To):
		return true, nil // the configuration joins them
	case ids.personIndex(l.From) >= 0 && ids.personIndex(l.To) >= 0:
		return false, asRefusal(fmt.Errorf("%s and %s are two people in the configuration; have an operator join them under people", l.From, l.To))
	}
	if len(ids.personOf(l.From).Principals) > 1 {
		return false, asRefusal(fmt.Errorf("%s is joined to another account already; have an operator remove that link, or alter the configuration's people", l.From))
	}
	// Other principals of the same person, such as a token's, do no harm: the sign-in proves the person.
	if slices.ContainsFunc(ids.personOf(l.To).Principals, func(p Principal) bool { return p.hasForm("slack") }) {
		return false, asRefusal(fmt.Errorf("%s is joined to another account of Slack's already; have an operator remove that link, or alter the configuration's people", l.To))
	}
	return false, nil
}

// loadLinks returns the links with a valid MAC, and those without. It reports the latter, and returns ErrTampered if a
// valid link was removed or put back.
func (g *Gate) loadLinks(ctx context.Context) (valid, invalid []Link, err error) {
	links, set, err := g.cfg.Store.LinkSet(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read identity links: %w", g.report(ctx, err))
	}
	valid, invalid, why := g.mac.verifyLinks(links)
	for _, t := range why {
		g.report(ctx, tamperingError{t})
	}
	return valid, invalid, g.report(ctx, checkLinkSet(links, valid, set))
}

// removeInvalidLinks removes the links without a valid MAC that stand in the way of l, which its person has just
// proved.
func (g *Gate) removeInvalidLinks(ctx context.Context, l Link) error {
	_, invalid, err := g.loadLinks(ctx)
	if err != nil {
		return err
	}
	for _, old := range invalid {
		if old.From != l.From && old.To != l.To {
			continue
		}
		err := g.cfg.Store.Unlink(ctx, old.From, g.cfg.Now(), "it did not verify, and the person has linked the accounts again")
		if err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("link %s: %w", l.From, err)
		}
	}
	return nil
}

// equals reports whether two links join the same principals.
func (l Link) equals(other Link) bool { return l.From == other.From && l.To == other.To }

// validate checks the form of a link's fields.
func (l Link) validate() error {
	switch {
	case !l.From.hasForm("slack"):
		return fmt.Errorf("%q is not slack:TEAM/USER; only a Slack account can be linked", l.From)
	case !l.To.hasForm("entra"):
		return fmt.Errorf("%q is not entra:TENANT/OBJECT; a Slack account can be linked only to an Entra account", l.To)
	case l.How != "sign-in" && l.How != "e-mail":
		return fmt.Errorf("%q does not prove that two accounts are one person's; link by sign-in or by e-mail", l.How)
	case len(l.Name) > maxTextLen:
		return fmt.Errorf("the name has %d bytes and may have %d; shorten it", len(l.Name), maxTextLen)
	}
	return nil
}

// hasForm reports whether a principal is KIND:A/B with this kind, and short enough to be kept.
func (p Principal) hasForm(kind string) bool {
	rest, ok := strings.CutPrefix(string(p), kind+":")
	a, b, parts := strings.Cut(rest, "/")
	return ok && parts && a != "" && b != "" && !strings.Contains(b, "/") && len(p) <= maxPrincipalLen
}

// Unlink removes the link of a principal. Only an operator may, or the interface that made the link by e-mail. A vote
// that was cast while the link existed stays the vote of both accounts: the other one cannot vote again. Unlink returns
// ErrNotFound if there is no link.
func (g *Gate) Unlink(ctx context.Context, from Principal, why string) error {
	if len(why) > maxTextLen {
		return asRefusal(fmt.Errorf("the reason has %d bytes and may have %d; shorten it", len(why), maxTextLen))
	}
	err := g.cfg.Store.Unlink(ctx, from, g.cfg.Now(), why)
	switch {
	case errors.Is(err, ErrNotFound):
		return kindError{fmt.Errorf("%s is linked to no other account; there is nothing to remove", from), ErrNotFound}
	case err != nil:
		return fmt.Errorf("unlink %s: %w", from, err)
	}
	return nil
}

// Person returns everything known about the person that a principal belongs to, from the configuration and the links.
func (g *Gate) Person(ctx context.Context, principal Principal) (Person, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return Person{}, err
	}
	person := a.ids.personOf(principal)
	person.Principals = slices.Clone(person.Principals)
	return person, nil
}
