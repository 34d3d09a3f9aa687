package keyvault

import (
	"context"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// maxPages bounds how many pages of versions, of up to 25 each, are read to find one.
const maxPages = 20

// Exists reports, without reading a value, nil when the secret is there, enabled and within its dates. It lists the
// secret's versions, which the role Key Vault Reader is enough for. An error is an *Error, unless ctx has
// ended or the identifier is none (see Check).
func (v *Client) Exists(ctx context.Context, id string) error {
	s, client, err := v.resolveSecret(id)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	found, err := findVersion(within, client, s)
	if err == nil {
		err = checkAttributes(found.Attributes, time.Now())
	}
	if err != nil {
		return explainError(ctx, s, err)
	}
	return nil
}

// findVersion returns those of the version that the identifier means.
func findVersion(ctx context.Context, client *azsecrets.Client, s secretID) (*azsecrets.SecretProperties, error) {
	var found *azsecrets.SecretProperties
	pages := client.NewListSecretPropertiesVersionsPager(s.name, nil)
	for n := 0; pages.More(); n++ {
		if n == maxPages {
			return nil, newPermanentError("it has more versions than are looked through", "delete old ones, or name the version in the configuration")
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Value {
			if p != nil && s.matches(p) && isNewer(p, found) {
				found = p
			}
		}
	}
	if found == nil {
		missing := errorsByCode["SecretNotFound"]
		return nil, permanentError{&missing}
	}
	return found, nil
}

func (s secretID) matches(p *azsecrets.SecretProperties) bool {
	return s.version == "" || p.ID != nil && strings.HasSuffix(strings.ToLower(string(*p.ID)), "/"+strings.ToLower(s.version))
}

// isNewer compares by creation: a vault lists versions in no order, and hands out the one that was made last.
func isNewer(p, than *azsecrets.SecretProperties) bool {
	return than == nil || createdAt(p).After(createdAt(than))
}

func createdAt(p *azsecrets.SecretProperties) time.Time {
	if p.Attributes == nil || p.Attributes.Created == nil {
		return time.Time{}
	}
	return *p.Attributes.Created
}
