package defender

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// canonicalOf returns the canonical form of a definition's JSON that Definition.State promises.
func canonicalOf(data []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // a float would make large numbers equal that are not
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return "", err
	}
	object, ok := raw.(map[string]any)
	if !ok {
		return "", nil
	}
	state, err := marshalJSON(withoutVolatile(object))
	return string(state), err
}

// withoutVolatile returns the members of an object that move only when somebody moves them. A null is as good as absent:
// editions of the service differ in which empty members they print.
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

// setMember sets a member. Where one name came in two letter cases both values stay, so that neither moves unseen.
func setMember(kept map[string]any, name string, value any) {
	if twin, taken := kept[name]; taken {
		value = []any{twin, value}
	}
	kept[name] = value
}

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

// isVolatile reports whether a member changes while nobody touches the definition. The names are all known ones: a
// new field of the service's is taken for part of the definition until it is known to be none.
func isVolatile(name string) bool {
	switch name {
	case "latestscan", "lastseen", "lastcommandexecutiontimestamp", "scannersoftwareversion", "mdeclientversion":
		return true
	}
	return strings.Contains(name, "@odata.") // annotations, which come and go with what the service is asked to say
}

// isSecretName reports whether a member is one of the API's secrets, wherever it stands: SNMP's authPassword, privPassword
// and communityString, and password and privateKey, which $metadata gives to Windows and Linux.
func isSecretName(name string) bool {
	return strings.Contains(name, "password") || strings.Contains(name, "communitystring") || strings.Contains(name, "privatekey")
}

// publicParams keeps of scanAuthenticationParams the members known to be public. The list of all definitions is
// printed with passwords in it, so what is not known must not be kept.
func publicParams(value any) map[string]any {
	kept := map[string]any{}
	object, _ := value.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name := strings.ToLower(key)
		switch name {
		case "@odata.type", "type", "username", "domain", "isgmsauser", "authprotocol", "privprotocol",
			"keyvaulturl", "keyvaulturi", "keyvaultsecretname":
			switch object[key].(type) {
			case string, bool, json.Number: // an object or array could hold anything
				setMember(kept, name, object[key])
			}
		}
	}
	return kept
}
