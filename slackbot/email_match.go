package slackbot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// The values of confirm.Link.How.
const howSignIn, howEmail = "sign-in", "e-mail"

// resolveUser returns the member behind a request, as userReader.member does. With MatchEmail it first updates the link
// that the e-mail address of that member makes.
func (b *Bot) resolveUser(ctx context.Context, users userReader, named caller) (caller, error) {
	by, err := users.member(ctx, named)
	if err != nil || !b.cfg.MatchEmail {
		return by, err
	}
	err = b.linkByEmail(ctx, by)
	if _, notAllowed := errors.AsType[notAllowedError](err); notAllowed {
		return caller{}, err
	}
	if err != nil {
		return caller{}, fmt.Errorf("scanwarden cannot tell at the moment which accounts are yours; try again in a moment: %w", err)
	}
	return by, nil
}

// linkByEmail links a user to the person whose configured e-mail address is theirs, and removes such a link when the
// address no longer matches. It leaves links alone that a sign-in proved or an operator configured. If such a link
// contradicts the address, it returns errAmbiguousUser: the user would be two persons, and could approve their own
// change.
func (b *Bot) linkByEmail(ctx context.Context, by caller) error {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return err
	}
	if back.Links == nil {
		return errors.New("Backend.Links is required to match users by e-mail")
	}
	user, err := b.users.userInfo(ctx, by.user)
	if err != nil {
		return err
	}
	links, err := back.Links(ctx)
	if err != nil {
		return err
	}
	match, matches := b.matchEmail(user)
	outdated := func(l confirm.Link) bool {
		return l.From == by.principal() && l.How == howEmail && (!matches || l.To != match.To)
	}
	if slices.ContainsFunc(links, outdated) {
		if err := b.unlinkStale(ctx, back, by); err != nil {
			return err
		}
	}
	if matches {
		return b.linkMatch(ctx, back, by, match)
	}
	return nil
}

const errAmbiguousUser = notAllowedError("scanwarden cannot determine who you are: your e-mail address belongs to one person in the configuration, and your accounts are " +
	"linked differently; ask an operator to check the links (scanwarden people) and people in the configuration")

// linkMatch stores the link that an address makes. The Gate refuses it if one of the two accounts is linked to
// another person.
func (b *Bot) linkMatch(ctx context.Context, back *Backend, by caller, match confirm.Link) error {
	match.From, match.How, match.At = by.principal(), howEmail, b.cfg.Now()
	err := back.Gate.Link(ctx, match)
	if errors.Is(err, confirm.ErrRefused) {
		b.cfg.Log.WarnContext(ctx, "an e-mail address contradicts the links of its user", "user", by.user, "error", err)
		return errAmbiguousUser
	}
	return err
}

// unlinkStale removes the link of an address that no longer matches.
func (b *Bot) unlinkStale(ctx context.Context, back *Backend, by caller) error {
	err := back.Gate.Unlink(ctx, by.principal(), "the e-mail address in Slack no longer matches")
	if errors.Is(err, confirm.ErrNotFound) {
		return nil // another process has removed it
	}
	return err
}

// matchEmail returns the link that the address of a user makes, without From, How and At. It returns false for an
// address that Slack has not confirmed, or that not exactly one configured person with an Entra account has.
func (b *Bot) matchEmail(user *slack.User) (match confirm.Link, ok bool) {
	address := user.Profile.Email
	if !user.IsEmailConfirmed || address == "" {
		return match, false
	}
	var found []confirm.Person
	for _, p := range b.cfg.People {
		if asciiLower(p.Email) == asciiLower(address) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		return match, false
	}
	for _, principal := range found[0].Principals {
		if strings.HasPrefix(string(principal), "entra:") {
			return confirm.Link{To: principal, Name: found[0].Name}, true
		}
	}
	return match, false
}

// asciiLower returns address with A to Z in lower case and all else unchanged. Unicode case folding maps letters of
// other scripts to ASCII letters, and would match another address.
func asciiLower(address string) string {
	b := []byte(address)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
