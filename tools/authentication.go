package tools

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"scanwarden/defender"
)

// publicFields lists the fields without a secret of each type of authentication (Microsoft's "Get authenticated scan
// properties"; the Windows ones from the older "Add, update, or delete a scan definition").
var publicFields = map[string][]string{
	"CommunityString": {},
	"NoAuthNoPriv":    {"username"},
	"AuthNoPriv":      {"username", "authProtocol"},
	"AuthPriv":        {"username", "authProtocol", "privProtocol"},
	"Kerberos":        {"username", "domain", "isGmsaUser"},
	"Negotiate":       {"username", "domain", "isGmsaUser"},
}

// authTypes lists the types of authentication of each type of scan.
var authTypes = map[string][]string{
	"Network": {"CommunityString", "NoAuthNoPriv", "AuthNoPriv", "AuthPriv"},
	"Windows": {"Kerberos", "Negotiate"},
}

// odataTypes lists the values of @odata.type, which selects one of two kinds of credentials, by type of scan.
var odataTypes = map[string]string{
	"Network": "#microsoft.windowsDefenderATP.api.SnmpAuthParams",
	"Windows": "#microsoft.windowsDefenderATP.api.WindowsAuthParams",
}

// The vault addresses of the Azure clouds, and the secret names that Azure allows.
var (
	vaultURLPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^https://[0-9A-Za-z][0-9A-Za-z-]{1,22}[0-9A-Za-z]\.vault\.(azure\.net|azure\.cn|usgovcloudapi\.net)/?$`)
	})
	secretNamePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z-]{1,127}$`) })
)

// authenticationInput leaves @odata.type out of the published schema and accepts it: Anthropic's API refuses all tools of
// a request if a property has such a name, and the value follows from scanType.
type authenticationInput struct {
	ODataType          *string `json:"@odata.type,omitempty" jsonschema:"-"`
	Type               *string `json:"type,omitempty" jsonschema:"enum=CommunityString,enum=NoAuthNoPriv,enum=AuthNoPriv,enum=AuthPriv,enum=Kerberos,enum=Negotiate,example=AuthPriv" jsonschema_description:"SNMP security level of the sign-in; Kerberos and Negotiate are for Windows scans only"`
	Username           *string `json:"username,omitempty" jsonschema:"example=scanner" jsonschema_description:"Account with which the scanner signs in"`
	AuthProtocol       *string `json:"authProtocol,omitempty" jsonschema:"example=SHA1" jsonschema_description:"SNMPv3 authentication protocol: MD5 or SHA1"`
	PrivProtocol       *string `json:"privProtocol,omitempty" jsonschema:"example=AES" jsonschema_description:"SNMPv3 privacy protocol: DES, 3DES or AES"`
	Domain             *string `json:"domain,omitempty" jsonschema:"example=CORP" jsonschema_description:"Domain of the account, for Windows scans only"`
	IsGMSAUser         *bool   `json:"isGmsaUser,omitempty" jsonschema_description:"Must be true for Windows scans: the account is a group managed service account"`
	KeyVaultURL        *string `json:"keyVaultUrl,omitempty" also:"keyVaultUri" jsonschema:"example=https://snmp.vault.azure.net/" jsonschema_description:"URL of the Azure Key Vault from which the scanner reads the secret"`
	KeyVaultSecretName *string `json:"keyVaultSecretName,omitempty" jsonschema:"example=snmp-core" jsonschema_description:"Name of the secret in that Key Vault"`
}

// resolveAuthentication returns the credentials to send. It returns nil if the input gives none: an update then keeps
// the stored credential.
func (in scanInput) resolveAuthentication(scanType string, credentials map[string]Credential) (*defender.Authentication, error) {
	given := in.Authentication
	switch {
	case in.Credential != nil && IsAskCredential(*in.Credential):
		return in.askedCredential(scanType)
	case in.Credential != nil:
		return in.namedCredential(scanType, credentials)
	case given == nil:
		return nil, nil
	case given.Type == nil:
		return nil, refuseAuthentication("type", "is missing").withHint("give one of %s", strings.Join(authTypes[scanType], ", "))
	}
	a, err := given.toAuthentication(scanType)
	switch {
	case err != nil:
		return nil, err
	case a.KeyVaultURL != "" && a.Type == "NoAuthNoPriv":
		return nil, refuseAuthentication("keyVaultUrl", "has no use: Microsoft gives vault secrets no form for NoAuthNoPriv").
			withHint("leave the vault out and give username")
	case a.KeyVaultURL != "":
		return a, checkGMSA(a) // the secret holds the rest
	case !a.Windows && a.Type != "NoAuthNoPriv":
		return nil, refuse("credential", "%s needs a secret, and secrets are not accepted here", a.Type).withHint("%s", credentialHelp(credentials))
	}
	if err := given.checkPublicFields(a.Type); err != nil {
		return nil, err
	}
	return a, checkGMSA(a)
}

// checkPublicFields returns a *Refusal for a missing field without a secret of this type of authentication.
func (in authenticationInput) checkPublicFields(kind string) error {
	for _, name := range publicFields[kind] {
		if !slices.Contains(in.givenFields(), name) {
			return refuseAuthentication(name, "is missing: %s needs it", kind)
		}
	}
	return nil
}

// toAuthentication returns the given fields after checking each on its own.
func (in authenticationInput) toAuthentication(scanType string) (*defender.Authentication, error) {
	kind, ok := matchFold(authTypeWords[plainWord(orZero(in.Type))], authTypes[scanType])
	if !ok {
		return nil, refuseAuthentication("type", "must be one of %s for a %s scan", strings.Join(authTypes[scanType], ", "), scanType)
	}
	if err := in.checkODataType(scanType); err != nil {
		return nil, err
	}
	for _, name := range in.givenFields() {
		if !slices.Contains(publicFields[kind], name) {
			return nil, refuseAuthentication(name, "does not belong to %s", kind).withHint("leave it out")
		}
	}
	for _, f := range in.textFields() {
		if f.given == nil {
			continue
		}
		if err := checkText("scanAuthenticationParams."+f.name, *f.given, 256); err != nil {
			return nil, err
		}
	}
	for _, err := range []error{
		checkProtocol("authProtocol", orZero(in.AuthProtocol), authProtocols),
		checkProtocol("privProtocol", orZero(in.PrivProtocol), privProtocols),
	} {
		if err != nil {
			return nil, err
		}
	}
	a := &defender.Authentication{
		Type: kind, Windows: scanType == "Windows", IsGMSAUser: in.IsGMSAUser,
		Username: orZero(in.Username), Domain: orZero(in.Domain),
		AuthProtocol: canonicalProtocol(orZero(in.AuthProtocol), authProtocols),
		PrivProtocol: canonicalProtocol(orZero(in.PrivProtocol), privProtocols),
	}
	return a, in.readKeyVault(a)
}

type textField struct {
	name  string
	given *string
}

func (in authenticationInput) textFields() []textField {
	return []textField{
		{"username", in.Username}, {"domain", in.Domain}, {"authProtocol", in.AuthProtocol}, {"privProtocol", in.PrivProtocol},
	}
}

// givenFields returns the names of the given fields, of those that only some types have.
func (in authenticationInput) givenFields() []string {
	var names []string
	for _, f := range in.textFields() {
		if f.given != nil {
			names = append(names, f.name)
		}
	}
	if in.IsGMSAUser != nil {
		names = append(names, "isGmsaUser")
	}
	return names
}

func (in authenticationInput) checkODataType(scanType string) error {
	if got := orZero(in.ODataType); got != "" && got != odataTypes[scanType] {
		return refuseAuthentication("@odata.type", "does not fit a %s scan", scanType).
			withHint("leave it out, or write %s", odataTypes[scanType])
	}
	return nil
}

func (in authenticationInput) readKeyVault(a *defender.Authentication) error {
	switch {
	case in.KeyVaultURL == nil && in.KeyVaultSecretName == nil:
		return nil
	case in.KeyVaultURL == nil || in.KeyVaultSecretName == nil:
		return refuseAuthentication("keyVaultUrl", "and keyVaultSecretName belong together").withHint("give both")
	case !vaultURLPattern().MatchString(*in.KeyVaultURL):
		return refuseAuthentication("keyVaultUrl", "is not the address of an Azure Key Vault").
			withHint("write it like https://NAME.vault.azure.net/")
	case !secretNamePattern().MatchString(*in.KeyVaultSecretName):
		return refuseAuthentication("keyVaultSecretName", "must be 1 to 127 letters, digits and hyphens").
			withHint("give the name of the secret in the vault, never the secret itself")
	}
	a.KeyVaultURL, a.KeyVaultName = *in.KeyVaultURL, *in.KeyVaultSecretName
	return nil
}

// checkGMSA returns a *Refusal for a Windows scan without a group managed service account, because Microsoft supports
// no other account.
func checkGMSA(a *defender.Authentication) error {
	if a.Windows && (a.IsGMSAUser == nil || !*a.IsGMSAUser) {
		return refuseAuthentication("isGmsaUser", "must be true: Microsoft scans Windows with a group managed service account only")
	}
	return nil
}

// credentialHelp returns the ways to give credentials, as the next step of a refusal.
func credentialHelp(credentials map[string]Credential) string {
	other := "give scanAuthenticationParams type, keyVaultUrl and keyVaultSecretName, or set credential to " + quote(AskCredential) +
		" beside type and the approver types the secret"
	if len(credentials) == 0 {
		return other + " (no named credential is configured)"
	}
	return "set credential to one of " + joinLimited(credentialNames(credentials), 20) + ", or " + other
}

// authenticationPath is the field whose values, and whose unknown names, no refusal and no log repeats.
const authenticationPath = "scanAuthenticationParams"

// refuseAuthentication returns a *Refusal about a field of scanAuthenticationParams. format must not show a given value.
func refuseAuthentication(name, format string, args ...any) *Refusal {
	name = authenticationPath + "." + name
	return refuse(name, name+" "+format, args...)
}
