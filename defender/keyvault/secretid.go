package keyvault

import (
	"errors"
	"regexp"
	"strings"
	"sync"
)

// secretID is a parsed identifier of a secret.
type secretID struct {
	host    string // in lower case
	cloud   string // the domain of all vaults in its cloud, such as vault.azure.net
	name    string
	version string // "" means the newest
}

// reID matches an identifier with Azure's forms of vault, secret and version names, in each of its clouds ("About keys,
// secrets, and certificates"; sovereign hosts from the same page).
var reID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^https://([0-9a-z](?:[0-9a-z-]{1,22})[0-9a-z]\.(vault\.azure\.net|vault\.usgovcloudapi\.net|vault\.azure\.cn))/secrets/([0-9A-Za-z-]{1,127})(?:/([0-9a-fA-F]{32}))?/?$`)
})

// idFormat shows how an identifier is written, for errors.
const idFormat = "https://NAME.vault.azure.net/secrets/NAME, or with /VERSION after it"

// Check returns an error if id is not the identifier of a secret, https://NAME.vault.azure.net/secrets/NAME[/VERSION].
// The error does not repeat id, because a user may have written the secret itself there.
func Check(id string) error {
	_, err := parseID(id)
	return err
}

// parseID parses an identifier; see [Check].
func parseID(id string) (secretID, error) {
	if len(id) > 512 {
		return secretID{}, errors.New("the secret's identifier is too long; write it like " + idFormat)
	}
	scheme, rest, _ := strings.Cut(id, "://")
	host, path, _ := strings.Cut(rest, "/")
	host = strings.ToLower(host)
	m := reID().FindStringSubmatch(strings.ToLower(scheme) + "://" + host + "/" + path)
	switch {
	case m != nil:
		return secretID{host: m[1], cloud: m[2], name: m[3], version: m[4]}, nil
	case rest == "":
		return secretID{}, errors.New("the value is not the identifier of a secret in Azure Key Vault; write it like " + idFormat + ", and never the secret itself")
	case !strings.EqualFold(scheme, "https"):
		return secretID{}, errors.New("the secret's identifier must begin with https://, because a token is sent to it; write it like " + idFormat)
	case strings.Contains(host, ".managedhsm."):
		return secretID{}, errors.New("a managed HSM stores keys, not secrets; name a key vault, like " + idFormat)
	case !strings.HasSuffix(host, ".vault.azure.net") && !strings.HasSuffix(host, ".vault.usgovcloudapi.net") && !strings.HasSuffix(host, ".vault.azure.cn"):
		return secretID{}, errors.New("the host of the secret's identifier is not an Azure Key Vault: it must end in .vault.azure.net, .vault.usgovcloudapi.net or .vault.azure.cn; write it like " + idFormat)
	default:
		return secretID{}, errors.New("the secret's identifier names no secret of a vault; copy it from the vault's page, where it looks like " + idFormat)
	}
}

// resource returns the resource of a token for the vault: the address of its cloud, as in the vault's own challenge.
func (s secretID) resource() string { return "https://" + s.cloud }

// scope returns the OAuth scope of the resource.
func (s secretID) scope() string { return s.resource() + "/.default" }

// String returns the secret's name and vault for messages; neither is secret.
func (s secretID) String() string {
	if s.version != "" {
		return s.name + " (version " + s.version + ") in " + s.host
	}
	return s.name + " in " + s.host
}
