// Package slackbot is the interface of scanwarden in Slack: slash commands, modals, and the buttons that confirm a
// change.
//
// Requests arrive signed over HTTP or over Slack's sockets, and both have the same handlers. A handler acknowledges a
// request first and works afterwards. Repeated deliveries of a request are handled once. A command or a modal becomes
// the arguments of an operation, which tools.Service plans and proposes. Each pending change is posted as a
// confirmation message with buttons. Every copy of that message is updated with each transition of the change, by
// whichever process comes first:
//
//	command or modal -> tools.Service.Propose -> confirmation message with buttons
//	button -> verified user -> confirm.Gate.Decide -> updated message, and the outcome for the requester
//
// The invariant: an Approve button is shown only below a whole plan, its value is the ID of a change and nothing else,
// and confirm.Gate alone decides whether the approval of the user counts. The identity of the user comes from Slack's
// signed request and from users.info, never from the content of a message or a modal.
//
// The Gate knows which other accounts belong to a user. A user links an account with a proof from the link page, which
// they paste into Slack. Where that is enabled, the e-mail address that Slack has confirmed links accounts too. With
// operations that only read, the bot posts no confirmation messages, and old buttons get an explanation as an answer.
//
// Text from Defender or from a requester is shown as plain text or preformatted, never as mrkdwn, so that it cannot
// mention users, add links or imitate other text. The bot has no state that a restart would lose: which messages were
// posted for a change is in the store, beside the change.
package slackbot
