// Package web serves the pages that people open in a browser. Now: the one that joins a person's Slack account
// with their Entra account.
//
// A link that Slack hands out and a browser redeems could be passed on: Bob sends Carol his link, Carol signs in,
// and Bob's Slack account has Carol's powers. So it goes the other way round, and the page knows nothing of Slack:
//
//	GET /link          says what is going to happen, and has one button
//	GET /link/start    remembers an attempt in the browser's own cookie, and sends the browser to Microsoft
//	GET /link/callback trades the code that comes back for who signed in, and shows a Proof of it
//
// The person pastes the proof into their own Slack, where a signed request says whose Slack that is.
//
// The invariant: a proof is shown only to the browser that began the sign-in it is about, and it is worth nothing
// but to say "whoever hands this in is that user of Entra", for ten minutes. The package keeps no state: what has
// to be remembered is sealed in the cookie or signed in the proof, so that any replica serves any step.
package web
