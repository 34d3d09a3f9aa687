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

// How two accounts came to be joined, as confirm.Link has it.
const howSignIn, howEmail = "sign-in", "e-mail"

// resolveUser returns somebody who may act here at all, as check does, and sees to it that they are known by the
// accounts that are theirs.
func (b *Bot) resolveUser(ctx context.Context, named caller) (caller, error) {
	who, err := b.users.member(ctx, named)
	if err != nil || !b.cfg.MatchEmail {
		return who, err
	}
	err = b.linkByEmail(ctx, who)
	if _, stranger := errors.AsType[notAllowedError](err); stranger {
		return caller{}, err
	}
	if err != nil {
		return caller{}, fmt.Errorf("scanwarden cannot tell at the moment which accounts are yours; try again in a moment: %w", err)
	}
	return who, nil
}

// linkByEmail joins a person with the one whom the configuration knows by their e-mail address, and takes such a link
// back once the address says something else. What somebody proved, or an operator configured, it leaves alone; but
// where that contradicts the address, they are two people by one account or the other, and nobody until it is mended.
func (b *Bot) linkByEmail(ctx context.Context, who caller) error {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return err
	}
	if back.Links == nil {
		return errors.New("Backend.Links is needed to match people by e-mail")
	}
	user, err := b.users.userInfo(ctx, who.user)
	if err != nil {
		return err
	}
	links, err := back.Links(ctx)
	if err != nil {
		return err
	}
	match, matches := b.matchEmail(user)
	outdated := func(l confirm.Link) bool {
		return l.From == who.principal() && l.How == howEmail && (!matches || l.To != match.To)
	}
	if slices.ContainsFunc(links, outdated) {
		if err := b.unlinkStale(ctx, back, who); err != nil {
			return err
		}
	}
	if matches {
		return b.linkMatch(ctx, back, who, match)
	}
	return nil
}

const errAmbiguousUser = notAllowedError("it cannot be told who you are: your e-mail address names one person in the configuration, and your accounts are " +
	"joined differently; have an operator look at the links (scanwarden people) and at people in the configuration")

// linkMatch joins a person with whom their address names. The gate refuses when it knows one of the two as
// somebody else.
func (b *Bot) linkMatch(ctx context.Context, back *Backend, who caller, match confirm.Link) error {
	match.From, match.How, match.At = who.principal(), howEmail, b.cfg.Now()
	err := back.Gate.Link(ctx, match)
	if errors.Is(err, confirm.ErrRefused) {
		b.cfg.Log.WarnContext(ctx, "an e-mail address names somebody whose accounts are joined differently", "user", who.user, "error", err)
		return errAmbiguousUser
	}
	return err
}

func (b *Bot) unlinkStale(ctx context.Context, back *Backend, who caller) error {
	err := back.Gate.Unlink(ctx, who.principal(), "the e-mail address in Slack does not match any more")
	if errors.Is(err, confirm.ErrNotFound) {
		return nil // another process was faster
	}
	return err
}

// matchEmail is the one account that a person's address names: its link lacks only whom it is from. An address that
// Slack has not confirmed, or that several people have, names nobody.
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

// asciiLower makes small letters of the capitals A to Z and leaves all else as it is: other scripts have letters that
// fold into ASCII ones, and an address with one is another address.
func asciiLower(address string) string {
	b := []byte(address)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
