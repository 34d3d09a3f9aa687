package defender

import (
	"cmp"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Authentication is scanAuthenticationParams: how a scanner signs in to its targets. Its JSON has its public fields or, if
// Credential is set, only {"credential":NAME,"fingerprint":F}. With TypedCredential it has both the public fields and the
// name. Empty fields are omitted. Only [Writer.Prepare] encodes its secrets.
type Authentication struct {
	Type         string // AuthPriv, AuthNoPriv, NoAuthNoPriv, CommunityString; Kerberos, Negotiate
	Windows      bool   // WindowsAuthParams instead of SnmpAuthParams in @odata.type
	Username     string
	AuthProtocol string // SNMP: MD5, SHA1
	PrivProtocol string // SNMP: DES, 3DES, AES
	Domain       string // Windows
	IsGMSAUser   *bool  // Windows; documented to be always true

	KeyVaultField string // "keyVaultUrl" or "keyVaultUri" (see [Client.KeyVaultField]); "" means keyVaultUrl
	KeyVaultURL   string
	KeyVaultName  string // keyVaultSecretName

	Credential  string // name of a configured credential, which the body refers to; or TypedCredential
	Fingerprint string // binds the reference to the credential's public parts

	AuthPassword    Secret // SNMP
	PrivPassword    Secret // SNMP
	CommunityString Secret // SNMP
}

// credentialRef is the reference to a named credential in a frozen body.
type credentialRef struct {
	Credential  string `json:"credential"`
	Fingerprint string `json:"fingerprint"`
}

// authParams is the JSON that is sent. Members that belong together are in the order of the examples. Those of SNMP are
// empty for Windows, and the other way round. There is no example with a vault.
type authParams struct {
	ODataType       string `json:"@odata.type"`
	Type            string `json:"type"`
	Username        string `json:"username,omitempty"`
	Domain          string `json:"domain,omitempty"`
	IsGMSAUser      *bool  `json:"isGmsaUser,omitempty"`
	AuthProtocol    string `json:"authProtocol,omitempty"`
	AuthPassword    string `json:"authPassword,omitempty"`
	PrivProtocol    string `json:"privProtocol,omitempty"`
	PrivPassword    string `json:"privPassword,omitempty"`
	CommunityString string `json:"communityString,omitempty"`
	KeyVaultURL     string `json:"keyVaultUrl,omitempty"`
	KeyVaultURI     string `json:"keyVaultUri,omitempty"`
	KeyVaultName    string `json:"keyVaultSecretName,omitempty"`
}

// MarshalJSON returns the JSON that may be shown and stored: the reference, or the public fields. It returns an error if
// there is a secret without a reference, rather than omit the secret.
func (a Authentication) MarshalJSON() ([]byte, error) {
	if err := a.checkPublic(); err != nil {
		return nil, err
	}
	switch a.Credential {
	case "":
		return marshalJSON(a.withSecrets())
	case TypedCredential:
		return marshalJSON(typedRef{a.withoutSecrets().withSecrets(), a.Credential})
	}
	return marshalJSON(credentialRef{a.Credential, a.Fingerprint})
}

// withoutSecrets returns the public parts of a.
func (a Authentication) withoutSecrets() Authentication {
	a.AuthPassword, a.PrivPassword, a.CommunityString = Secret{}, Secret{}, Secret{}
	return a
}

// withSecrets returns the parameters with the secrets in them, for sending only.
func (a Authentication) withSecrets() authParams {
	p := authParams{
		ODataType:       "#microsoft.windowsDefenderATP.api.SnmpAuthParams",
		Type:            a.Type,
		Username:        a.Username,
		Domain:          a.Domain,
		IsGMSAUser:      a.IsGMSAUser,
		AuthProtocol:    a.AuthProtocol,
		AuthPassword:    a.AuthPassword.text(),
		PrivProtocol:    a.PrivProtocol,
		PrivPassword:    a.PrivPassword.text(),
		CommunityString: a.CommunityString.text(),
		KeyVaultName:    a.KeyVaultName,
	}
	if a.Windows {
		p.ODataType = "#microsoft.windowsDefenderATP.api.WindowsAuthParams"
	}
	if a.KeyVaultField == keyVaultURI {
		p.KeyVaultURI = a.KeyVaultURL
	} else {
		p.KeyVaultURL = a.KeyVaultURL
	}
	return p
}

// secrets returns the secrets that are not empty.
func (a Authentication) secrets() []string {
	var all []string
	for _, s := range []Secret{a.AuthPassword, a.PrivPassword, a.CommunityString} {
		if !s.Empty() {
			all = append(all, s.text())
		}
	}
	return all
}

// checkPublic returns an error unless a may be in a frozen body.
func (a Authentication) checkPublic() error {
	switch {
	case a.Credential == TypedCredential && a.KeyVaultURL != "":
		return errors.New("a typed credential and a key vault exclude each other: give one of the two")
	case a.Credential == TypedCredential:
		return a.check()
	case a.Credential != "":
		return a.checkText()
	}
	if len(a.secrets()) > 0 {
		return errors.New("scanAuthenticationParams has a secret that would be stored in the clear: name a credential instead")
	}
	return a.check()
}

// check returns an error if Defender cannot interpret a.
func (a Authentication) check() error {
	snmp := cmp.Or(a.AuthProtocol, a.PrivProtocol) != "" || len(a.secrets()) > 0
	switch {
	case a.Type == "":
		return errors.New("scanAuthenticationParams.type is empty: use AuthPriv, AuthNoPriv, NoAuthNoPriv or CommunityString")
	case a.Windows && snmp:
		return errors.New("scanAuthenticationParams mixes Windows with SNMP: leave out the protocols, passwords and communityString")
	case !a.Windows && (a.Domain != "" || a.IsGMSAUser != nil):
		return errors.New("scanAuthenticationParams mixes SNMP with Windows: leave out domain and isGmsaUser")
	case a.KeyVaultField != "" && a.KeyVaultField != keyVaultURL && a.KeyVaultField != keyVaultURI:
		return fmt.Errorf("the key vault's field cannot be called %q: use keyVaultUrl or keyVaultUri", a.KeyVaultField)
	case (a.KeyVaultURL == "") != (a.KeyVaultName == ""):
		return errors.New("a key vault needs both keyVaultUrl and keyVaultSecretName: give the missing one")
	}
	return a.checkText()
}

// checkText returns an error if a field is not valid UTF-8, which encoding/json would silently change. The error repeats
// no value, because it may be a secret.
func (a Authentication) checkText() error {
	for _, f := range []field{
		{"type", a.Type}, {"username", a.Username}, {"domain", a.Domain}, {"authProtocol", a.AuthProtocol},
		{"privProtocol", a.PrivProtocol}, {"keyVaultUrl", a.KeyVaultURL}, {"keyVaultSecretName", a.KeyVaultName},
		{"credential", a.Credential}, {"fingerprint", a.Fingerprint}, {"authPassword", a.AuthPassword.text()},
		{"privPassword", a.PrivPassword.text()}, {"communityString", a.CommunityString.text()},
	} {
		if !utf8.ValidString(f.value) {
			return fmt.Errorf("scanAuthenticationParams.%s is not valid UTF-8: write it again", f.name)
		}
	}
	return nil
}
