// Package entratest is a strict fake of Microsoft Entra ID for tests that drive the real program: one tenant in
// memory behind real HTTPS.
//
//	fake := entratest.New(entratest.Options{})
//	defer fake.Close()
//	fake.AddApp(entratest.App{ClientID: id, Secret: secret, Roles: []string{entratest.Defender + "/Machine.Read.All"}})
//	ada := fake.AddUser(entratest.User{ObjectID: object, Name: "Ada", Roles: []string{"Scans.Approver"}})
//	// start the program with AZURE_AUTHORITY_HOST=fake.Authority() and SSL_CERT_FILE=fake.CAFile(t), and call it with
//	token := fake.UserToken(ada, id, []string{"Scans.Use"}, ada.Roles)
//
// It gives out tokens to applications (secret, certificate, federated token), to people (authorization code with
// PKCE, device code, refresh token) and on behalf of people, and publishes its keys. A test is the person:
// [Server.SignIn] puts somebody before the browser, [Server.Approve] enters a device code. It is the attacker too:
// [Server.Sign] makes any token. It orders trouble with [Server.Fail] and reads what arrived from [Server.Requests].
//
// The one invariant: the fake shares nothing with the program it tests. It imports no package of this module and
// no library for OAuth or JWT, so a wrong belief about Entra ID cannot agree with itself.
//
// # How far to trust it
//
// Nobody has held it against a live tenant. Endpoints, grants and claims are those of Microsoft's pages on the
// identity platform's protocols and on access token claims; the codes are those of its page of AADSTS error codes
// (learn.microsoft.com/entra/identity-platform/reference-error-codes); the descriptions are the fake's own words.
// Where the pages are silent it is stricter than Entra ID may be:
//
//   - an app has one secret, and a client assertion is taken from an app with a certificate or a federation only;
//   - a redirect URI must be registered letter by letter, but for the port of http://localhost;
//   - a code challenge must be S256, and a verifier without a challenge is refused;
//   - a resource that no app registered and [Options.Resources] does not list has no service principal.
//
// It is kinder in this: it does not throttle unless a [Fault] says so, knows no conditional access but through
// one, consents at once to what an [App] lists, and takes a client assertion twice. It does not know multi-tenant
// apps, groups, Graph, SAML, certificates' chains or the implicit flow.
//
// Ids and codes come from a counter; keys are random.
package entratest
