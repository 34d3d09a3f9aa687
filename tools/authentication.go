package tools

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"scanwarden/defender"
)

// publicParts are the fields without a secret that each type of authentication has (Microsoft's "Get
// authenticated scan properties"; the Windows ones from the older "Add, update, or delete a scan definition").
var publicParts = map[string][]string{
	"CommunityString": {},
	"NoAuthNoPriv":    {"username"},
	"AuthNoPriv":      {"username", "authProtocol"},
	"AuthPriv":        {"username", "authProtocol", "privProtocol"},
	"Kerberos":        {"username", "domain", "isGmsaUser"},
	"Negotiate":       {"username", "domain", "isGmsaUser"},
}

// authTypes are the types of authentication for each type of scan.
var authTypes = map[string][]string{
	"Network": {"CommunityString", "NoAuthNoPriv", "AuthNoPriv", "AuthPriv"},
	"Windows": {"Kerberos", "Negotiate"},
}

// odataTypes choose between the two kinds of credentials on the wire.
var odataTypes = map[string]string{
	"Network": "#microsoft.windowsDefenderATP.api.SnmpAuthParams",
	"Windows": "#microsoft.windowsDefenderATP.api.WindowsAuthParams",
}

// The protocols that Microsoft documents. Its metadata types both fields as plain strings, so that others are
// sent, with a warning.
var (
	authProtocols = []string{"MD5", "SHA1"}
	privProtocols = []string{"DES", "3DES", "AES"}
)

// Vault addresses of the Azure clouds, and secret names, as Azure defines them.
var (
	vaultURL = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^https://[0-9A-Za-z][0-9A-Za-z-]{1,22}[0-9A-Za-z]\.vault\.(azure\.net|azure\.cn|usgovcloudapi\.net)/?$`)
	})
	secretName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z-]{1,127}$`) })
)

type authenticationInput struct {
	ODataType          *string `json:"@odata.type,omitempty" jsonschema:"example=#microsoft.windowsDefenderATP.api.SnmpAuthParams" jsonschema_description:"Can be left out"`
	Type               *string `json:"type,omitempty" jsonschema:"enum=CommunityString,enum=NoAuthNoPriv,enum=AuthNoPriv,enum=AuthPriv,enum=Kerberos,enum=Negotiate,example=AuthPriv" jsonschema_description:"Last two: Windows"`
	Username           *string `json:"username,omitempty" jsonschema:"example=scanner" jsonschema_description:"Account"`
	AuthProtocol       *string `json:"authProtocol,omitempty" jsonschema:"example=SHA1" jsonschema_description:"MD5 or SHA1"`
	PrivProtocol       *string `json:"privProtocol,omitempty" jsonschema:"example=AES" jsonschema_description:"DES, 3DES or AES"`
	Domain             *string `json:"domain,omitempty" jsonschema:"example=CORP" jsonschema_description:"For Windows"`
	IsGMSAUser         *bool   `json:"isGmsaUser,omitempty" jsonschema_description:"Windows: always true"`
	KeyVaultURL        *string `json:"keyVaultUrl,omitempty" also:"keyVaultUri" jsonschema:"example=https://snmp.vault.azure.net/" jsonschema_description:"Vault that the scanner reads"`
	KeyVaultSecretName *string `json:"keyVaultSecretName,omitempty" jsonschema:"example=snmp-core" jsonschema_description:"Secret in it"`
}

// authenticate turns what was given about credentials into what is sent. Nothing given is nil: an update
// then leaves the stored credential alone.
func (in scanInput) authenticate(scanType string, credentials map[string]Credential) (*defender.Authentication, error) {
	given := in.Authentication
	switch {
	case in.Credential != nil:
		return in.named(scanType, credentials)
	case given == nil:
		return nil, nil
	case given.Type == nil:
		return nil, refuseAuth("type", "is missing").then("give one of %s", strings.Join(authTypes[scanType], ", "))
	}
	a, err := given.read(scanType)
	switch {
	case err != nil:
		return nil, err
	case a.KeyVaultURL != "" && a.Type == "NoAuthNoPriv":
		return nil, refuseAuth("keyVaultUrl", "has no use: Microsoft gives vault secrets no form for NoAuthNoPriv").
			then("leave the vault out and give username")
	case a.KeyVaultURL != "":
		return a, checkGMSA(a) // the secret holds the rest
	case !a.Windows && a.Type != "NoAuthNoPriv":
		return nil, refuse("credential", "%s needs a secret, and none is taken here", a.Type).then("%s", waysToGive(credentials))
	}
	for _, name := range publicParts[a.Type] {
		if !slices.Contains(given.names(), name) {
			return nil, refuseAuth(name, "is missing: %s needs it", a.Type)
		}
	}
	return a, checkGMSA(a)
}

// read checks each given field on its own.
func (in authenticationInput) read(scanType string) (*defender.Authentication, error) {
	kind, err := oneOf("scanAuthenticationParams.type", orZero(in.Type), authTypes[scanType]...)
	if err != nil {
		return nil, err
	}
	if err := in.checkODataType(scanType); err != nil {
		return nil, err
	}
	for _, name := range in.names() {
		if !slices.Contains(publicParts[kind], name) {
			return nil, refuseAuth(name, "does not belong to %s", kind).then("leave it out")
		}
	}
	for _, f := range in.texts() {
		if f.given == nil {
			continue
		}
		if err := checkText("scanAuthenticationParams."+f.name, *f.given, 256); err != nil {
			return nil, err
		}
	}
	a := &defender.Authentication{
		Type: kind, Windows: scanType == "Windows", IsGMSAUser: in.IsGMSAUser,
		Username: orZero(in.Username), Domain: orZero(in.Domain),
		AuthProtocol: documented(orZero(in.AuthProtocol), authProtocols),
		PrivProtocol: documented(orZero(in.PrivProtocol), privProtocols),
	}
	return a, in.readVault(a)
}

type givenText struct {
	name  string
	given *string
}

func (in authenticationInput) texts() []givenText {
	return []givenText{
		{"username", in.Username}, {"domain", in.Domain}, {"authProtocol", in.AuthProtocol}, {"privProtocol", in.PrivProtocol},
	}
}

// names are the fields that were given and that not every type has.
func (in authenticationInput) names() []string {
	var names []string
	for _, f := range in.texts() {
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
		return refuseAuth("@odata.type", "%s does not fit a %s scan", quoted(got), scanType).
			then("leave it out, or write %s", odataTypes[scanType])
	}
	return nil
}

func (in authenticationInput) readVault(a *defender.Authentication) error {
	switch {
	case in.KeyVaultURL == nil && in.KeyVaultSecretName == nil:
		return nil
	case in.KeyVaultURL == nil || in.KeyVaultSecretName == nil:
		return refuseAuth("keyVaultUrl", "and keyVaultSecretName belong together").then("give both")
	case !vaultURL().MatchString(*in.KeyVaultURL):
		return refuseAuth("keyVaultUrl", "%s is not the address of an Azure Key Vault", quoted(*in.KeyVaultURL)).
			then("write it like https://NAME.vault.azure.net/")
	case !secretName().MatchString(*in.KeyVaultSecretName):
		return refuseAuth("keyVaultSecretName", "must be 1 to 127 letters, digits and hyphens")
	}
	a.KeyVaultURL, a.KeyVaultName = *in.KeyVaultURL, *in.KeyVaultSecretName
	return nil
}

// checkGMSA holds Windows scans to Microsoft's rule that the account is a group managed service account.
func checkGMSA(a *defender.Authentication) error {
	if a.Windows && (a.IsGMSAUser == nil || !*a.IsGMSAUser) {
		return refuseAuth("isGmsaUser", "must be true: Microsoft scans Windows with a group managed service account only")
	}
	return nil
}

// waysToGive tells how credentials can be given.
func waysToGive(credentials map[string]Credential) string {
	vault := "give scanAuthenticationParams type, keyVaultUrl and keyVaultSecretName"
	if len(credentials) == 0 {
		return vault + " (no named credential is configured)"
	}
	return "set credential to one of " + listed(names(credentials), 20) + ", or " + vault
}

// documented returns Microsoft's spelling of a protocol, or what was given if it is none of the known ones.
func documented(given string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(k, given) {
			return k
		}
	}
	return given
}

func refuseAuth(name, format string, args ...any) *Refusal {
	name = "scanAuthenticationParams." + name
	return refuse(name, "%s %s", name, fmt.Sprintf(format, args...))
}
