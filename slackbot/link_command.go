package slackbot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// SignedIn is who a proof of the link page is of.
type SignedIn struct {
	Principal confirm.Principal // "entra:TENANT/OBJECT"
	Name      string
}

// linkSubcommand is what follows the command that reads, to join accounts.
const linkSubcommand = "link"

// linkAccount joins the Slack account that speaks with the account that a proof is of, or says where proofs are to be had.
// The proof is repeated nowhere: until it is too old, whoever hands it in is taken for that person.
func (b *Bot) linkAccount(ctx context.Context, req request, proof string) []slack.Block {
	switch {
	case b.cfg.LinkPage == "":
		return blocks.TextSections("Accounts are not joined by signing in here. Ask whoever runs scanwarden.")
	case proof == "":
		return b.linkInstructions()
	}
	return blocks.TextSections(b.redeemProof(ctx, req.caller, proof))
}

func (b *Bot) linkInstructions() []slack.Block {
	page := slack.NewRichTextSectionLinkElement(b.cfg.LinkPage, "", nil)
	return []slack.Block{blocks.MentionLine("To join this Slack account with your Microsoft account, open ",
		[]slack.RichTextSectionElement{page}, " in your browser and sign in. Send the command that you are then shown here. "+
			"Never send one that somebody else has given you, and give yours to nobody.")}
}

// redeemProof hands a proof in, and says what came of it.
func (b *Bot) redeemProof(ctx context.Context, who caller, proof string) string {
	signedIn, err := b.cfg.OpenProof(proof, b.cfg.Now())
	if err != nil {
		return "Not joined: " + withPeriod(err.Error())
	}
	back, err := b.cfg.Backend(ctx)
	if err == nil {
		err = back.Gate.Link(ctx, confirm.Link{
			From: who.principal(), To: signedIn.Principal, Name: signedIn.Name, How: howSignIn, At: b.cfg.Now(),
		})
	}
	switch {
	case errors.Is(err, confirm.ErrRefused):
		return "Not joined: " + withPeriod(err.Error())
	case err != nil:
		b.cfg.Log.ErrorContext(ctx, "two accounts could not be joined", "user", who.user, "error", err)
		return "Not joined: scanwarden failed on its own side. Please try again in a moment."
	}
	return fmt.Sprintf("Joined: in Slack you are now taken for %s, %s. If that is not you, ask an operator to take it back at once: scanwarden people unlink %s",
		displayName(signedIn.Name, "this account"), signedIn.Principal, who.principal())
}

func displayName(name, otherwise string) string {
	if name = strings.TrimSpace(name); name == "" {
		return otherwise
	}
	return blocks.Truncate(name, 100)
}

// linkSection tells a person in their home whom they are taken for, where accounts are joined.
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
