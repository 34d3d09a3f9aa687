// Package web serves the pages that users open in a browser: linking a Slack account with an Entra account.
//
// A link that Slack gives out and a browser redeems could be passed on: Bob sends Carol his link, Carol signs in, and
// Bob's Slack account gets Carol's rights. So the flow runs the other way, and the pages know nothing of Slack:
//
//	GET /link          explains the sign-in, and has one button
//	GET /link/start    stores a pending sign-in in the browser's cookie, and redirects to Microsoft
//	GET /link/callback exchanges the returned code for the signed-in user, and shows a proof of it
//
// The user pastes the proof into their own Slack, where a signed request identifies the Slack account.
//
// The invariant: a proof is shown only to the browser that began its sign-in. For ten minutes it proves "the sender is
// that Entra user", and nothing else. The package stores nothing on the server except which sign-ins were used. All
// other state is sealed in the cookie or signed in the proof, so that any replica can serve any step.
package web
