// Package auth tells who sent an HTTP request. Three kinds of caller come to the door: people and
// applications with an access token of Microsoft Entra ID, people whom Slack's own assistant names in a request
// that Slack has signed, and clients with a bearer token of this server.
//
// The invariant: a caller is named by what somebody we trust has signed, or by a secret that we gave out, and by
// nothing else in the request; whatever cannot be verified is refused. An application, and an AI agent that acts
// in a person's name, is marked as an Agent: it may ask, and it never decides.
//
// Nothing here reads or writes Defender, and nothing here keeps or logs a token.
package auth
