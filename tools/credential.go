package tools

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scanwarden/defender"
)

// Secret is defender.Secret, for the interface packages, which must not import package defender.
type Secret = defender.Secret

// Credential is a named credential from the configuration. Its secrets are read only when a change is executed.
type Credential struct {
	Type         string // CommunityString, NoAuthNoPriv, AuthNoPriv or AuthPriv
	Username     string
	AuthProtocol string
	PrivProtocol string

	AuthPassword    CredentialField
	PrivPassword    CredentialField
	CommunityString CredentialField
}

// CredentialField is one secret and where it comes from. The zero value is absent.
type CredentialField struct {
	From string // "env CORE_SNMP_AUTH", "file /run/secrets/x": shown, and part of the fingerprint; never the value
	Read func(ctx context.Context) (defender.Secret, error)
	// Exists returns why the secret could not be read, without reading it. It is nil where only reading can find out.
	Exists func(ctx context.Context) error
}

// credentialPart describes a field of a credential: its name, whether it is configured, and the secret, if it is one.
type credentialPart struct {
	name   string
	set    bool
	secret *CredentialField
	into   func(*defender.Authentication) *defender.Secret
}

func (c Credential) allParts() []credentialPart {
	return []credentialPart{
		{name: "username", set: c.Username != ""},
		{name: "authProtocol", set: c.AuthProtocol != ""},
		{"authPassword", c.AuthPassword.Read != nil, &c.AuthPassword, func(a *defender.Authentication) *defender.Secret { return &a.AuthPassword }},
		{name: "privProtocol", set: c.PrivProtocol != ""},
		{"privPassword", c.PrivPassword.Read != nil, &c.PrivPassword, func(a *defender.Authentication) *defender.Secret { return &a.PrivPassword }},
		{"communityString", c.CommunityString.Read != nil, &c.CommunityString, func(a *defender.Authentication) *defender.Secret { return &a.CommunityString }},
	}
}

// secretParts returns the parts that are secrets and configured.
func (c Credential) secretParts() []credentialPart {
	return slices.DeleteFunc(c.allParts(), func(p credentialPart) bool { return p.secret == nil || !p.set })
}

// requiredFields lists all the fields of each type (Microsoft's "Get authenticated scan properties").
var requiredFields = map[string][]string{
	"CommunityString": {"communityString"},
	"NoAuthNoPriv":    {"username"},
	"AuthNoPriv":      {"username", "authProtocol", "authPassword"},
	"AuthPriv":        {"username", "authProtocol", "authPassword", "privProtocol", "privPassword"},
}

// Check returns an error that names the missing or contradictory field of a credential. It reads no secret.
func (c Credential) Check(name string) error {
	want, known := requiredFields[c.Type]
	if !known {
		return fmt.Errorf("credential %s: type must be one of %s, not %s",
			quote(name), strings.Join(authTypes["Network"], ", "), quote(c.Type))
	}
	for _, p := range c.allParts() {
		switch needed := slices.Contains(want, p.name); {
		case needed && !p.set:
			return fmt.Errorf("credential %s: %s needs %s; add it", quote(name), c.Type, p.name)
		case !needed && p.set && !(c.Type == "AuthPriv" && p.name == "communityString"): // Microsoft's AuthPriv example sends one
			return fmt.Errorf("credential %s: %s has no %s; remove it", quote(name), c.Type, p.name)
		}
	}
	for _, text := range []string{name, c.Username, c.AuthProtocol, c.PrivProtocol} {
		if char, hidden := firstInvisible(text); hidden {
			return fmt.Errorf("credential %s: it contains the invisible character %s; remove it", quote(name), char)
		}
	}
	return nil
}

// fingerprint returns a hash of all of a credential except the secrets themselves. A rotated secret keeps a pending
// change valid; another user or source does not.
func (c Credential) fingerprint() string {
	h := sha256.New()
	for _, part := range []string{
		c.Type, c.Username, c.AuthProtocol, c.PrivProtocol,
		c.AuthPassword.From, c.PrivPassword.From, c.CommunityString.From,
	} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// frozenReference returns what a frozen body contains of the credential: its public fields, name and fingerprint.
func (c Credential) frozenReference(name string) *defender.Authentication {
	return &defender.Authentication{
		Type: c.Type, Username: c.Username,
		AuthProtocol: canonicalProtocol(c.AuthProtocol, authProtocols), PrivProtocol: canonicalProtocol(c.PrivProtocol, privProtocols),
		Credential: name, Fingerprint: c.fingerprint(),
	}
}

// namedCredential returns the reference to the credential that the input names. Other fields about credentials must
// agree with it.
func (in scanInput) namedCredential(scanType string, credentials map[string]Credential) (*defender.Authentication, error) {
	c, ok := credentials[*in.Credential]
	switch {
	case !ok:
		return nil, refuse("credential", "credential does not name one that is configured").withHint("%s", credentialHelp(credentials))
	case scanType != "Network":
		return nil, refuse("credential", "credential %s is for SNMP and cannot scan %s", quote(*in.Credential), scanType).
			withHint("give scanAuthenticationParams type, username, domain and isGmsaUser, or a Key Vault secret")
	}
	if p := in.Authentication; p != nil {
		if err := p.checkConsistent(*in.Credential, c); err != nil {
			return nil, err
		}
	}
	return c.frozenReference(*in.Credential), nil
}

// checkConsistent allows Microsoft's example to be pasted beside a named credential, as long as both agree.
func (in authenticationInput) checkConsistent(name string, c Credential) error {
	if err := in.checkODataType("Network"); err != nil {
		return err
	}
	if in.KeyVaultURL != nil || in.KeyVaultSecretName != nil {
		return refuse("credential", "credential and Key Vault exclude each other").withHint("give one of the two")
	}
	if in.Domain != nil || in.IsGMSAUser != nil {
		return refuse("credential", "credential %s is for SNMP, and domain and isGmsaUser are for Windows", quote(name)).withHint("leave them out")
	}
	reference := c.frozenReference(name)
	for _, f := range []struct {
		name       string
		given      *string
		configured string
		same       func(given, configured string) bool
	}{
		{"type", in.Type, c.Type, func(given, configured string) bool { return authTypeWords[plainWord(given)] == configured }},
		{"username", in.Username, c.Username, func(given, configured string) bool { return given == configured }},
		{"authProtocol", in.AuthProtocol, reference.AuthProtocol, sameProtocol(authProtocols)},
		{"privProtocol", in.PrivProtocol, reference.PrivProtocol, sameProtocol(privProtocols)},
	} {
		if f.given == nil || f.same(*f.given, f.configured) {
			continue
		}
		return refuseAuthentication(f.name, "is not %s, which credential %s has", quote(f.configured), quote(name)).
			withHint("leave it out, or choose another credential")
	}
	return nil
}

// sameProtocol returns a function that reports whether a given protocol is the configured one in other words.
func sameProtocol(known []string) func(given, configured string) bool {
	return func(given, configured string) bool {
		return strings.EqualFold(canonicalProtocol(given, known), configured)
	}
}

// Exists returns an error that names each secret that cannot be read, with its credential and source. It reads a
// secret only where its source cannot be checked otherwise, and drops it at once.
func (c Credential) Exists(ctx context.Context, name string) error {
	var missing error
	for _, p := range c.secretParts() {
		if err := p.checkExists(ctx, name); missing == nil {
			missing = err
		} else if err != nil {
			missing = fmt.Errorf("%w; %w", missing, err)
		}
	}
	return missing
}

func (p credentialPart) checkExists(ctx context.Context, credential string) error {
	if p.secret.Exists == nil {
		_, err := p.readSecret(ctx, credential)
		return err
	}
	return p.readError(credential, p.secret.Exists(ctx))
}

// resolve returns the credential that a confirmed change refers to, with its secrets.
func (c Credential) resolve(ctx context.Context, name string) (*defender.Authentication, error) {
	a := c.frozenReference(name)
	for _, p := range c.secretParts() {
		secret, err := p.readSecret(ctx, name)
		if err != nil {
			return nil, err
		}
		*p.into(a) = secret
	}
	return a, nil
}

func (p credentialPart) readSecret(ctx context.Context, credential string) (defender.Secret, error) {
	secret, err := p.secret.Read(ctx)
	if err == nil && secret.Empty() {
		return secret, fmt.Errorf("%s of credential %s is empty in %s", p.name, quote(credential), escapeInvisible(p.secret.From))
	}
	return secret, p.readError(credential, err)
}

// readError returns an error that names the secret and its source; nil if err is nil.
func (p credentialPart) readError(credential string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s of credential %s could not be read from %s: %w", p.name, quote(credential), escapeInvisible(p.secret.From), err)
}

func credentialNames(credentials map[string]Credential) []string {
	return slices.Sorted(maps.Keys(credentials))
}
