package slackbot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// SignedIn is the account that a proof from the link page belongs to.
type SignedIn struct {
	Principal confirm.Principal // "entra:TENANT/OBJECT"
	Name      string
}

// linkSubcommand follows the command that reads, to link accounts: "/scans link PROOF".
const linkSubcommand = "link"

// linkAccount links the user's Slack account to the account of a proof. Without a proof it returns where to get one.
// The proof is never repeated in a message or a log: until it expires, any user who submits it is linked.
func (b *Bot) linkAccount(ctx context.Context, req request, proof string) []slack.Block {
	switch {
	case b.cfg.LinkPage == "":
		return blocks.TextSections("Accounts are not joined by signing in here. Ask the operator of scanwarden.")
	case proof == "":
		return b.linkInstructions()
	}
	return blocks.TextSections(b.redeemProof(ctx, req.caller, proof))
}

// linkInstructions returns how to get a proof.
func (b *Bot) linkInstructions() []slack.Block {
	page := slack.NewRichTextSectionLinkElement(b.cfg.LinkPage, "", nil)
	return []slack.Block{blocks.MentionLine("To join this Slack account with your Microsoft account, open ",
		[]slack.RichTextSectionElement{page}, " in your browser and sign in. Send the command that you are then shown here. "+
			"Never send one that another person has given you, and never pass yours on.")}
}

// redeemProof links the caller to the account of a proof, and returns the reply.
func (b *Bot) redeemProof(ctx context.Context, by caller, proof string) string {
	signedIn, err := b.cfg.OpenProof(proof, b.cfg.Now())
	if err != nil {
		return "Not joined: " + withPeriod(err.Error())
	}
	switch err := b.link(ctx, by, signedIn); {
	case errors.Is(err, confirm.ErrRefused):
		return "Not joined: " + withPeriod(err.Error())
	case errors.Is(err, errNotKnown):
		b.cfg.Log.ErrorContext(ctx, "the answer of the database to a link was lost", "user", by.user, "error", err)
		return "Whether the accounts are joined is not known yet, because the database did not answer. The home tab of scanwarden shows it. " +
			"If it does not in a minute, sign in again."
	case err != nil:
		b.cfg.Log.ErrorContext(ctx, "failed to link two accounts", "user", by.user, "error", err)
		return "Not joined: scanwarden is not ready. Please try again in a moment."
	}
	return fmt.Sprintf("Joined: in Slack you are now taken for %s, %s. If that is not you, ask an operator to take it back at once: scanwarden people unlink %s",
		displayName(signedIn.Name, "this account"), signedIn.Principal, by.principal())
}

// link records that the caller has the account. If it is not known whether that was recorded, it reads the links again,
// and returns errNotKnown if they do not show it.
func (b *Bot) link(ctx context.Context, by caller, signedIn SignedIn) error {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return err
	}
	err = back.Gate.Link(ctx, confirm.Link{
		From: by.principal(), To: signedIn.Principal, Name: signedIn.Name, How: howSignIn, At: b.cfg.Now(),
	})
	if isCertain(err) {
		return err
	}
	ctx, cancel := detachedContext(ctx)
	defer cancel()
	known, unread := back.Gate.Person(ctx, by.principal())
	if unread == nil && slices.Contains(known.Principals, signedIn.Principal) {
		return nil
	}
	return fmt.Errorf("%w: %w", errNotKnown, errors.Join(err, unread))
}

// displayName returns name, shortened, or fallback if name is empty.
func displayName(name, fallback string) string {
	if name = strings.TrimSpace(name); name == "" {
		return fallback
	}
	return blocks.Truncate(name, 100)
}

// linkSection returns the part of the home tab that shows the linked account, or how to link one. It returns nil
// where linking is not offered.
func (b *Bot) linkSection(known confirm.Person) []slack.Block {
	switch {
	case len(known.Principals) > 1:
		return blocks.TextSections("You are known here as " + displayName(known.Name, string(known.Principals[0])) + ".")
	case b.cfg.LinkPage != "":
		return blocks.TextSections("scanwarden does not know yet which Microsoft account is yours. To join it with this Slack account: " +
			b.cfg.commandFor(scansCommand) + " " + linkSubcommand)
	}
	return nil
}
