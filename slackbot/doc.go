// Package slackbot is the door for people in Slack: slash commands, modals, and the buttons that confirm.
//
// What a person types or clicks arrives signed over HTTP or over Slack's sockets; the same handlers stand
// behind both. They acknowledge first and work after. A command or a modal becomes arguments for the desk,
// whose plan is kept by the gate; a kept change is put to people as a message with buttons, and every copy of
// that message is rewritten as the change moves, by whichever process comes first:
//
//	command or modal -> tools.Desk.Plan -> confirm.Gate.Propose -> message with buttons
//	button -> who is it, really? -> confirm.Gate.Decide -> the message says what happened
//
// The one invariant: an approve button stands only below a plan that is shown whole, its click carries nothing
// but the change's id, and the gate alone decides whether the person who clicked counts. Who that is comes from
// Slack's signed request and from users.info, never from what a message or a modal says.
//
// Which other accounts are theirs is the gate's to know. A person joins one with a proof from the link page, which
// they paste here; where that is switched on, the e-mail address that Slack has confirmed does. With a catalogue that
// proposes nothing the bot only reads: it puts nothing to people, and old buttons say why they do nothing.
//
// Every word that comes from Defender or from a requester is shown as plain text or preformatted, never as
// Slack's markup, so that it can neither mention, link nor disguise anything. The bot keeps nothing that a
// restart would lose: where a change was put is in the ledger, beside the change.
package slackbot
