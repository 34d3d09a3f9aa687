package defender

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// canonicalOf returns the canonical form of a definition's JSON; see [Definition.Canonical].
func canonicalOf(data []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // as floats, different large numbers would be equal
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return "", err
	}
	object, ok := raw.(map[string]any)
	if !ok {
		return "", nil
	}
	canonical, err := marshalJSON(withoutVolatile(object))
	return string(canonical), err
}

// withoutVolatile returns the members of an object that change only when a user or a program changes them. It drops null
// members, because editions of the service differ in which empty members they send.
func withoutVolatile(object map[string]any) map[string]any {
	kept := make(map[string]any, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name, value := strings.ToLower(key), object[key]
		switch {
		case value == nil, isVolatile(name), isSecretName(name):
			continue
		case name == "scanauthenticationparams":
			value = publicParams(value)
		default:
			value = withoutVolatileIn(value)
		}
		setMember(kept, name, value)
	}
	return kept
}

// setMember sets a member. If the name came in two letter cases, it keeps both values, so that a change of either shows.
func setMember(kept map[string]any, name string, value any) {
	if twin, taken := kept[name]; taken {
		value = []any{twin, value}
	}
	kept[name] = value
}

// withoutVolatileIn applies withoutVolatile to all objects in value.
func withoutVolatileIn(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return withoutVolatile(v)
	case []any:
		for i := range v {
			v[i] = withoutVolatileIn(v[i])
		}
	}
	return value
}

// isVolatile reports whether a member changes by itself, with the service's own work. It lists known names only: a new
// field of the service counts as part of the definition until it is known to be volatile.
func isVolatile(name string) bool {
	switch name {
	case "latestscan", "lastseen", "lastcommandexecutiontimestamp", "scannersoftwareversion", "mdeclientversion":
		return true
	}
	return strings.Contains(name, "@odata.") // annotations, which depend on the metadata level of the request
}

// isSecretName reports whether a member in lower case is one of the API's secrets: SNMP's authPassword, privPassword and
// communityString, or password and privateKey, which $metadata declares for Windows and Linux.
func isSecretName(name string) bool {
	return strings.Contains(name, "password") || strings.Contains(name, "communitystring") || strings.Contains(name, "privatekey")
}

// publicParams returns the members of scanAuthenticationParams that are known to be public. The documented list of all
// definitions has passwords in it, so unknown members must not be kept.
func publicParams(value any) map[string]any {
	kept := map[string]any{}
	object, _ := value.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name := strings.ToLower(key)
		switch name {
		case "@odata.type", "type", "username", "domain", "isgmsauser", "authprotocol", "privprotocol",
			"keyvaulturl", "keyvaulturi", "keyvaultsecretname":
			switch object[key].(type) {
			case string, bool, json.Number: // an object or array could contain a secret
				setMember(kept, name, object[key])
			}
		}
	}
	return kept
}
