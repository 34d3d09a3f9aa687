package toolstest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"scanwarden/tools"
)

// CanaryCall is a call with a secret, the canary, in one of its fields.
type CanaryCall struct {
	Name      string // the field and the form in which it holds the canary
	Operation string
	Arguments json.RawMessage
	Named     bool // the canary stands under the name of a secret, so the call must be refused by that name
	Hidden    bool // no answer and no ledger may repeat the canary. No log ever may.
}

// hiddenFields are the fields whose values no answer repeats.
var hiddenFields = []string{"credential", "scanAuthenticationParams"}

// unpublishedFields are accepted, or refused, without being in a schema.
var unpublishedFields = []string{
	"scannerAgent.id", "scannerAgent.name", "scannerAgent.machineName", "scannerAgent.computerDnsName", "scannerAgent.lastSeen",
	"scanAuthenticationParams", "scannerAgent", "scanAuthenticationParams.@odata.type", "scanAuthenticationParams.keyVaultUri",
	"scanAuthenticationParams.nosuch", "nosuch", "credential", "Credential", "credentials.name",
}

// isLegitimate reports whether a field may have this value although it is under scanAuthenticationParams.
func isLegitimate(field, form string, value any) bool {
	_, isText := value.(string)
	return isText && field == "scanAuthenticationParams.username" || form == "text" && field == "scanAuthenticationParams.keyVaultSecretName"
}

// CanaryCalls returns calls of every operation with the canary in every field in every form. scan is a valid call of
// add_scan without credentials. credential is a configured credential, or "".
func CanaryCalls(t testing.TB, canary string, scan map[string]any, credential string) []CanaryCall {
	t.Helper()
	operations, err := tools.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	var calls []CanaryCall
	for _, op := range operations {
		for _, base := range canaryBases(op.Name, scan, credential) {
			for _, field := range canaryFields(t, op) {
				forms := canaryForms(canary)
				for _, form := range slices.Sorted(maps.Keys(forms)) {
					calls = append(calls, newCanaryCall(t, op.Name, base, field, form, forms[form]))
				}
				calls = append(calls, dottedCanaryCalls(t, op.Name, base, field, canary)...)
			}
		}
	}
	return calls
}

// canaryBases returns the arguments to which the canary is added. Each leads to other checks of credentials.
func canaryBases(operation string, scan map[string]any, credential string) []map[string]any {
	params := func(fields map[string]any) map[string]any { return map[string]any{"scanAuthenticationParams": fields} }
	variants := []map[string]any{
		params(map[string]any{"type": "NoAuthNoPriv", "username": "scanner"}),
		params(map[string]any{"type": "AuthPriv", "keyVaultUrl": "https://snmp.vault.azure.net/", "keyVaultSecretName": "core"}),
	}
	asked := params(map[string]any{"type": "AuthPriv", "username": "scanner", "authProtocol": "SHA1", "privProtocol": "AES"})
	asked["credential"] = tools.AskCredential
	variants = append(variants, asked)
	if credential != "" {
		variants = append(variants, map[string]any{"credential": credential})
	}
	switch operation {
	case "add_scan":
		for _, v := range variants {
			maps.Copy(v, scan)
		}
		return variants
	case "update_scan":
		for _, v := range variants {
			v["id"] = "Core switches"
		}
		return variants
	}
	return []map[string]any{{}}
}

// canaryFields returns the dotted names of the fields of an operation, in its schema or not.
func canaryFields(t testing.TB, op tools.Operation) []string {
	t.Helper()
	var schema struct {
		Properties map[string]struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(op.Input, &schema); err != nil {
		t.Fatal(err)
	}
	names := slices.Clone(unpublishedFields)
	for name, p := range schema.Properties {
		names = append(names, name)
		for inner := range p.Properties {
			names = append(names, name+"."+inner)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// canaryForms returns values that hold the canary. The forms that begin with "named" give it to a secret.
func canaryForms(canary string) map[string]any {
	object, named := map[string]any{"x": canary}, map[string]any{"communityString": canary}
	return map[string]any{
		"text": canary, "list": []any{canary}, "object": object, "name in an object": map[string]any{canary: true},
		"nested": []any{[]any{object}}, "JSON text": jsonText(object), "JSON text twice": jsonText(jsonText(object)),
		"JSON list": jsonText([]any{canary}), "twice in JSON text": `{"` + canary + `":1,"` + canary + `":2}`,
		"named in an object": named, "named in a list": []any{named}, "named in JSON text": jsonText(named),
		"named in JSON text twice": jsonText(jsonText(named)), "named in JSON text in a list": []any{jsonText([]any{named})},
		"named in text": "v2c, communityString=" + canary, "named in Python": "{'authPassword': '" + canary + "'}",
		"named in YAML": "privPassword: " + canary, "named in broken JSON": `{"password": "` + canary,
		"named with escapes": `{"pass\u0077ord":"` + canary + `"}`, "named in a name": map[string]any{"authPassword=" + canary: 1},
	}
}

func jsonText(v any) string {
	text, _ := json.Marshal(v) // maps and lists of texts always marshal
	return string(text)
}

func newCanaryCall(t testing.TB, operation string, base map[string]any, field, form string, value any) CanaryCall {
	t.Helper()
	args := deepCopy(base)
	at, name := args, field
	if head, tail, nested := strings.Cut(field, "."); nested {
		inner, ok := args[head].(map[string]any)
		if !ok {
			inner = map[string]any{}
		}
		args[head], at, name = inner, inner, tail
	}
	at[name] = value
	c := canaryCall(t, operation, field+" as "+form, args)
	c.Named = strings.HasPrefix(form, "named")
	c.Hidden = c.Named || isHidden(field) && !isLegitimate(field, form, value)
	return c
}

// dottedCanaryCalls returns calls whose names hold the canary or give it to a secret.
func dottedCanaryCalls(t testing.TB, operation string, base map[string]any, field, canary string) []CanaryCall {
	t.Helper()
	name, secret := deepCopy(base), deepCopy(base)
	name[field+"."+canary] = true
	secret[field+".community_string"] = canary
	inName, named := canaryCall(t, operation, "in a dotted name of "+field, name), canaryCall(t, operation, "a secret below "+field, secret)
	inName.Hidden = isHidden(field)
	named.Named, named.Hidden = true, true
	whole := canaryCall(t, operation, "as text, "+named.Name, secret)
	whole.Arguments = json.RawMessage(jsonText(string(whole.Arguments)))
	whole.Named, whole.Hidden = true, true
	return []CanaryCall{inName, named, whole}
}

func canaryCall(t testing.TB, operation, name string, args map[string]any) CanaryCall {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	return CanaryCall{Name: fmt.Sprintf("%s: %s", operation, name), Operation: operation, Arguments: text}
}

func isHidden(field string) bool {
	head, _, _ := strings.Cut(field, ".")
	return slices.ContainsFunc(hiddenFields, func(hidden string) bool { return strings.EqualFold(head, hidden) })
}

// deepCopy copies an object with the objects in it.
func deepCopy(object map[string]any) map[string]any {
	out := maps.Clone(object)
	for name, v := range out {
		if inner, ok := v.(map[string]any); ok {
			out[name] = deepCopy(inner)
		}
	}
	return out
}
