// Package keyvault reads the secret parts of named credentials from Azure Key Vault, and says in advance whether they
// are there. It is the only room that sees Azure's SDK.
//
// A vault answers the first request with a challenge that says which tenant to sign in to, and for what. The one
// invariant: no answer of a vault steers anything. Tokens are asked for at our own tenant and for the resource of the
// vault's cloud alone, a vault that names others is refused, and nothing is sent to another host than the configured
// one. Of a refusal only the codes that we know are read; a value becomes a [defender.Secret] at once, and no error
// holds one.
package keyvault
