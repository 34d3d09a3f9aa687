// Package auth authenticates HTTP requests. It accepts three kinds of callers: users and applications with an
// access token of Microsoft Entra ID, clients with a bearer token of this server, and Slack's own assistant, which
// names the user of each call in a request that Slack has signed.
//
// The invariant: only a signature by Entra or Slack, or a secret that this server issued, identifies a caller; what
// cannot be verified is refused. An application, or an AI agent that acts for a user, is marked as an Agent: it can
// propose changes and never decides on one.
//
// [Anonymous] is the exception: it accepts every request as one principal, for a server on a loopback address.
//
// The package neither reads nor writes Defender, and it neither stores nor logs a token.
package auth
