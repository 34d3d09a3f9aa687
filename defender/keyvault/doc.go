// Package keyvault reads the secret parts of named credentials from Azure Key Vault, and checks in advance that they
// exist. It is the only package that imports Azure's SDK.
//
// A vault answers the first request with a challenge that names a tenant to sign in to and a resource to get a token
// for. The package compares both with what it expects and then lets the SDK continue.
//
// The invariant: no answer of a vault decides where a token is requested or sent. Tokens are requested from the
// configured tenant only, for the resource of the vault's cloud. A vault that names another tenant or resource is
// refused, and no request goes to another host than the configured one. Of a refused request only known error codes are
// read. A value becomes a [defender.Secret] at once, and no error contains one.
package keyvault
