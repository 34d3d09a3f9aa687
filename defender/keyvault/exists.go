package keyvault

import (
	"context"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// maxPages bounds how many pages of versions, of up to 25 each, are read to find one.
const maxPages = 20

// Exists returns nil if the secret exists, is enabled and is within its dates. It lists the secret's versions instead of
// reading a value, so the role Key Vault Reader is enough. A non-nil error is an [*Error], unless ctx has ended or id is
// malformed (see [Check]).
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

// findVersion returns the properties of the version that s names, or of the newest one if it names none.
func findVersion(ctx context.Context, client *azsecrets.Client, s secretID) (*azsecrets.SecretProperties, error) {
	var found *azsecrets.SecretProperties
	pages := client.NewListSecretPropertiesVersionsPager(s.name, nil)
	for n := 0; pages.More(); n++ {
		if n == maxPages {
			return nil, newPermanentError("it has too many versions to find the newest", "delete old ones, or name the version in the configuration")
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

// matches reports whether s may refer to the version p: it names p, or no version.
func (s secretID) matches(p *azsecrets.SecretProperties) bool {
	return s.version == "" || p.ID != nil && strings.HasSuffix(strings.ToLower(string(*p.ID)), "/"+strings.ToLower(s.version))
}

// isNewer reports whether p was created after than; it does if than is nil. A vault lists versions in no order, and
// returns the one that was created last.
func isNewer(p, than *azsecrets.SecretProperties) bool {
	return than == nil || createdAt(p).After(createdAt(than))
}

// createdAt returns when the version was created, or the zero time if the vault does not send it.
func createdAt(p *azsecrets.SecretProperties) time.Time {
	if p.Attributes == nil || p.Attributes.Created == nil {
		return time.Time{}
	}
	return *p.Attributes.Created
}
