package keyvault

import (
	"context"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"scanwarden/defender"
)

// maxSecret bounds a value, in bytes; Key Vault's own limit is 25 KB.
const maxSecret = 64 << 10

// Secret returns the value of one secret: of the version that id names, or else of the newest one. A secret that is
// disabled or outside its dates is an error, although a vault returns such a value. A non-nil error is an [*Error],
// unless ctx has ended or id is malformed (see [Check]).
func (v *Client) Secret(ctx context.Context, id string) (defender.Secret, error) {
	s, client, err := v.resolveSecret(id)
	if err != nil {
		return defender.Secret{}, err
	}
	within, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	got, err := client.GetSecret(within, s.name, s.version, nil)
	if err == nil {
		err = checkAttributes(got.Attributes, time.Now())
	}
	var value string
	if err == nil {
		value, err = trimValue(got.Value)
	}
	if err != nil {
		return defender.Secret{}, explainError(ctx, s, err)
	}
	return defender.NewSecret(value), nil
}

// resolveSecret parses id and returns it with the SDK's client for its vault.
func (v *Client) resolveSecret(id string) (secretID, *azsecrets.Client, error) {
	s, err := parseID(id)
	if err != nil {
		return secretID{}, nil, err
	}
	client, err := v.vaultClient(s)
	return s, client, err
}

// trimValue returns value as defender.TrimSecret does: a secret that was uploaded from a file ends with its newline. It
// returns an error if value cannot be a password.
func trimValue(value *string) (string, error) {
	switch {
	case value == nil || *value == "":
		return "", newPermanentError("it is empty", "give it a value")
	case len(*value) > maxSecret:
		return "", newPermanentError("its value is longer than any password", "check that the configuration names the right secret")
	}
	trimmed, err := defender.TrimSecret(*value)
	if err != nil {
		reason, advice, _ := strings.Cut(strings.TrimPrefix(err.Error(), "it is "), "; ")
		return "", newPermanentError("its value cannot be a password: "+reason, advice)
	}
	return trimmed, nil
}

// checkAttributes returns an error if a secret with these attributes must not be used now. Without attributes it may be.
func checkAttributes(a *azsecrets.SecretAttributes, now time.Time) error {
	const day = "2 January 2006"
	switch {
	case a == nil:
		return nil
	case a.Enabled != nil && !*a.Enabled:
		disabled := errorsByCode["SecretDisabled"]
		return permanentError{&disabled}
	case a.Expires != nil && !now.Before(*a.Expires):
		return newPermanentError("it expired on "+a.Expires.UTC().Format(day), "renew it, or correct its expiry date")
	case a.NotBefore != nil && now.Before(*a.NotBefore):
		return newPermanentError("it is not valid before "+a.NotBefore.UTC().Format(day), "name a version that is valid, or correct its activation date")
	}
	return nil
}
