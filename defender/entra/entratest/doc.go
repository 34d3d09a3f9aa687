// Package entratest is a strict fake of Microsoft Entra ID for tests that run the real program: one tenant in
// memory behind real HTTPS.
//
//	fake := entratest.New(entratest.Options{})
//	defer fake.Close()
//	fake.AddApp(entratest.App{ClientID: id, Secret: secret, Roles: []string{entratest.Defender + "/Machine.Read.All"}})
//	ada := fake.AddUser(entratest.User{ObjectID: object, Name: "Ada", Roles: []string{"Scans.Approver"}})
//	// start the program with AZURE_AUTHORITY_HOST=fake.Authority() and SSL_CERT_FILE=fake.CAFile(t), and call it with
//	token := fake.UserToken(ada, id, []string{"Scans.Use"}, ada.Roles)
//
// It issues tokens to applications (secret, certificate, federated token), to users (authorization code with
// PKCE, device code, refresh token) and on behalf of users, and publishes its keys. The test acts as the user:
// [Server.SignIn] answers the browsers, [Server.Approve] enters a device code. It also acts as the attacker:
// [Server.Sign] signs any claims. [Server.Fail] queues failures, and [Server.Requests] returns what arrived.
//
// The tests of a single package run it inside a testing/synctest bubble with Options.InMemory.
//
// The invariant: the fake shares nothing with the program it tests. It imports no package of this module and no
// library for OAuth or JWT, so that a wrong belief about Entra ID cannot agree with itself.
//
// # How far to trust it
//
// It has not been compared with a live tenant. Endpoints, grants and claims are those of Microsoft's pages on
// the identity platform's protocols and on access token claims. The codes are those of its page of AADSTS error
// codes (learn.microsoft.com/entra/identity-platform/reference-error-codes). The descriptions are the fake's
// own words. Where the pages are silent it is stricter than Entra ID may be:
//
//   - an app has one secret, and a client assertion is accepted only from an app with a certificate or a federation;
//   - a redirect URI must be registered exactly, except for the port of http://localhost;
//   - a code challenge must be S256, and a verifier without a challenge is refused;
//   - a resource that no app registered and [Options.Resources] does not list has no service principal.
//
// It is more lenient in this: it throttles only for a [Fault], knows conditional access only through one,
// consents at once to what an [App] lists, and accepts a client assertion twice. It does not support
// multi-tenant apps, groups, Graph, SAML, certificate chains or the implicit flow.
//
// Ids and codes come from counters; keys are random.
package entratest
