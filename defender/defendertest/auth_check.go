package defendertest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// This file checks scanAuthenticationParams. The property page and $metadata agree on its members. The errors are the
// simulator's policy. They never quote a value, which may be a password in the wrong member.

const (
	snmpType    = "#microsoft.windowsDefenderATP.api.SnmpAuthParams"
	windowsType = "#microsoft.windowsDefenderATP.api.WindowsAuthParams"
	linuxType   = "#microsoft.windowsDefenderATP.api.LinuxAuthParams"

	vaultSecretName = "keyVaultSecretName"
)

// authKind describes one concrete type of credentials.
type authKind struct {
	scanType string
	members  []string
	required map[string][]string // by value of type: the members needed without a key vault
}

// authKinds has the concrete types by @odata.type; the base type is abstract. Windows has isGmsaUser, as in the examples,
// not isgmsaUser, as in $metadata.
var authKinds = map[string]authKind{
	snmpType: {"Network",
		[]string{"username", "authProtocol", "authPassword", "privProtocol", "privPassword", "communityString"},
		map[string][]string{
			"CommunityString": {"communityString"},
			"NoAuthNoPriv":    {"username"},
			"AuthNoPriv":      {"username", "authProtocol", "authPassword"},
			"AuthPriv":        {"username", "authProtocol", "authPassword", "privProtocol", "privPassword"},
		}},
	windowsType: {"Windows",
		[]string{"username", "domain", "isGmsaUser", "password", "packetPrivacy", "packetIntegrity"},
		map[string][]string{
			"None":      {},
			"Ntlm":      {"username", "domain", "isGmsaUser"},
			"Kerberos":  {"username", "domain", "isGmsaUser"},
			"Negotiate": {"username", "domain", "isGmsaUser"},
		}},
	linuxType: {"Linux",
		[]string{"username", "password", "privateKey"},
		map[string][]string{
			"Password":   {"username", "password"},
			"PrivateKey": {"username", "privateKey"},
		}},
}

// boolMembers lists the members that are not strings.
var boolMembers = []string{"isGmsaUser", "packetPrivacy", "packetIntegrity"}

// checkAuth returns an error unless v is an object with all members that its types need, and no others.
func (s *Server) checkAuth(v any) error {
	auth, ok := v.(object)
	if !ok {
		return invalidBody("scanAuthenticationParams has to be an object")
	}
	name, _ := auth["@odata.type"].(string)
	kind, ok := authKinds[name]
	if !ok {
		return invalidBody("scanAuthenticationParams needs the @odata.type of a concrete type")
	}
	vault := s.options.keyVaultField()
	names := append([]string{"@odata.type", "type", vault, vaultSecretName}, kind.members...)
	if err := s.checkNames(auth, names); err != nil {
		return err
	}
	if err := checkAuthValues(auth); err != nil {
		return err
	}
	if hasMember(auth, vault) || hasMember(auth, vaultSecretName) {
		return checkVault(auth, vault)
	}
	return requireMembers(auth, kind.required[auth["type"].(string)]...)
}

// checkAuthValues checks each member by itself. It accepts any protocol: Microsoft's own example sends the placeholders
// "authProtocol" and "privProtocol".
func checkAuthValues(auth object) error {
	if err := requireMembers(auth, "type"); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(auth)) {
		_, isString := auth[name].(string)
		_, isBool := auth[name].(bool)
		if flag := slices.Contains(boolMembers, name); flag && !isBool || !flag && !isString {
			return invalidBody("scanAuthenticationParams." + name + " has the wrong type")
		}
	}
	kind := authKinds[auth["@odata.type"].(string)]
	if _, ok := kind.required[auth["type"].(string)]; !ok {
		return invalidBody("scanAuthenticationParams.type is not a type of its @odata.type")
	}
	if auth["isGmsaUser"] == false { // documented: it must be true
		return invalidInput("scanAuthenticationParams.isGmsaUser", false)
	}
	return nil
}

// checkVault returns an error unless both vault members are present and the address is an https URL.
func checkVault(auth object, field string) error {
	if err := requireMembers(auth, field, vaultSecretName); err != nil {
		return err
	}
	if u, err := url.Parse(auth[field].(string)); err != nil || u.Scheme != "https" || u.Host == "" {
		return &apiError{http.StatusBadRequest, "InvalidUrl", "Invalid URL: scanAuthenticationParams." + field}
	}
	return nil
}

// checkAgreement returns an error unless the credentials are of the scan's type. AdvancedActive scans accept all types.
func checkAgreement(scan object) error {
	auth, ok := scan["scanAuthenticationParams"].(object)
	if !ok {
		return nil
	}
	name, _ := auth["@odata.type"].(string)
	if kind := authKinds[name].scanType; kind != scan["scanType"] && scan["scanType"] != "AdvancedActive" {
		return invalidBody("scanAuthenticationParams is not of the scan's type")
	}
	return nil
}

// requireMembers returns an error that names the first of parts that auth does not have, or has as "".
func requireMembers(auth object, parts ...string) error {
	for _, part := range parts {
		if v, ok := auth[part]; !ok || v == "" {
			return missingParam("scanAuthenticationParams." + part)
		}
	}
	return nil
}
