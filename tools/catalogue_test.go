package tools_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"scanwarden/tools"
)

// listedTool is a tool as tools/list shows it.
type listedTool struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Annotations annotations     `json:"annotations"`
	Input       json.RawMessage `json:"inputSchema"`
	Output      json.RawMessage `json:"outputSchema"`
}

type annotations struct {
	ReadOnly    bool `json:"readOnlyHint"`
	Destructive bool `json:"destructiveHint"`
	Idempotent  bool `json:"idempotentHint"`
	OpenWorld   bool `json:"openWorldHint"`
}

func toolsList(t testing.TB, credentials ...string) []listedTool {
	t.Helper()
	ops, err := tools.Catalogue(credentials)
	if err != nil {
		t.Fatal(err)
	}
	var out []listedTool
	for _, o := range ops {
		a := annotations{o.ReadOnly(), o.Destructive, o.Idempotent, o.OpenWorld}
		out = append(out, listedTool{o.Name, o.Title, o.Description, a, o.Input, o.Output})
	}
	return out
}

// TestCatalogueKeepsItsContract compares names, effects and annotations with the published contract.
func TestCatalogueKeepsItsContract(t *testing.T) {
	want := map[string]annotations{
		"list_scans":      {ReadOnly: true, Idempotent: true, OpenWorld: true},
		"list_scanners":   {ReadOnly: true, Idempotent: true, OpenWorld: true},
		"scan_history":    {ReadOnly: true, Idempotent: true, OpenWorld: true},
		"get_change":      {ReadOnly: true, Idempotent: true},
		"withdraw_change": {Idempotent: true},
		"add_scan":        {OpenWorld: true},
		"update_scan":     {Destructive: true, Idempotent: true, OpenWorld: true},
		"delete_scans":    {Destructive: true, Idempotent: true, OpenWorld: true},
	}
	effects := map[string]tools.Effect{
		"add_scan": tools.Proposes, "update_scan": tools.Proposes, "delete_scans": tools.Proposes, "withdraw_change": tools.Manages,
	}
	ops, err := tools.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range ops {
		if o.Effect != effects[o.Name] {
			t.Errorf("%s: effect %d, want %d", o.Name, o.Effect, effects[o.Name])
		}
	}
	for _, tool := range toolsList(t) {
		if a, ok := want[tool.Name]; !ok || a != tool.Annotations {
			t.Errorf("%s: annotations %+v, want %+v", tool.Name, tool.Annotations, a)
		}
		if tool.Title == "" || tool.Description == "" {
			t.Errorf("%s has no title or no description", tool.Name)
		}
		delete(want, tool.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing tools: %v", want)
	}
}

// TestSchemasArePortable allows only what every client and model provider accepts. A client that meets anything else
// may drop all tools silently.
func TestSchemasArePortable(t *testing.T) {
	for _, credentials := range [][]string{nil, {"core-snmp", "edge-snmp"}} {
		for _, tool := range toolsList(t, credentials...) {
			input := decodeSchema(t, tool.Input)
			checkSchema(t, tool.Name, input, true)
			checkSchema(t, tool.Name+" output", decodeSchema(t, tool.Output), false)
			if input["properties"] == nil {
				t.Errorf("%s: the input schema has no properties", tool.Name)
			}
		}
	}
}

func decodeSchema(t *testing.T, raw json.RawMessage) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if s["type"] != "object" {
		t.Errorf("the root is not an object: %s", raw)
	}
	return s
}

// propertyName is stricter than what model providers accept, which is ^[a-zA-Z0-9_.-]{1,64}$.
var propertyName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func checkSchema(t *testing.T, at string, s map[string]any, input bool) {
	t.Helper()
	known := []string{"type", "properties", "required", "additionalProperties", "items", "enum", "description",
		"examples", "default", "minimum", "maximum"}
	for key := range s {
		if !slices.Contains(known, key) {
			t.Errorf("%s: %s is not portable", at, key)
		}
	}
	if _, single := s["type"].(string); !single {
		t.Errorf("%s: type is %v, not one word", at, s["type"])
	}
	if input && s["type"] == "object" && s["additionalProperties"] != false {
		t.Errorf("%s: takes more than it declares", at)
	}
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if properties[name.(string)] == nil {
			t.Errorf("%s: requires %v, which it does not have", at, name)
		}
	}
	for name, p := range properties {
		if !propertyName.MatchString(name) {
			t.Errorf("%s.%s: Anthropic's API refuses all tools for the name of this property", at, name)
		}
		inner, ok := p.(map[string]any)
		if !ok {
			t.Errorf("%s.%s: a bare %v", at, name, p)
			continue
		}
		checkSchema(t, at+"."+name, inner, input)
		if !input {
			continue
		}
		if description, _ := inner["description"].(string); len(strings.Fields(description)) < 6 {
			t.Errorf("%s.%s: the description %q is no full phrase", at, name, description)
		}
		if inner["type"] != "object" && inner["examples"] == nil {
			t.Errorf("%s.%s: no example", at, name)
		}
	}
	if items, ok := s["items"].(map[string]any); ok {
		checkSchema(t, at+"[]", items, false)
	} else if s["type"] == "array" {
		t.Errorf("%s: a list of anything", at)
	}
}

// TestSchemasHaveMicrosoftsOrder: a model writes fields in the schema's order, and a user compares the result with
// Microsoft's examples.
func TestSchemasHaveMicrosoftsOrder(t *testing.T) {
	fields := []string{"scanType", "scanName", "isActive", "target", "intervalInHours", "targetType", "scannerAgent",
		"machineId", "scanAuthenticationParams", "type", "username", "authProtocol", "privProtocol"}
	for _, tool := range toolsList(t) {
		if tool.Name != "add_scan" && tool.Name != "update_scan" {
			continue
		}
		rest := string(tool.Input)
		for _, f := range fields {
			_, after, found := strings.Cut(rest, `"`+f+`":{"`)
			if !found {
				t.Fatalf("%s: %s is missing or out of order", tool.Name, f)
			}
			rest = after
		}
	}
}

// TestSchemasOfferTheConfiguredCredentials by name, and what an approver types, and contain nothing else of them.
func TestSchemasOfferTheConfiguredCredentials(t *testing.T) {
	for _, credentials := range [][]string{nil, {"core-snmp", "edge-snmp"}} {
		for _, tool := range toolsList(t, credentials...) {
			p, ok := decodeSchema(t, tool.Input)["properties"].(map[string]any)["credential"].(map[string]any)
			if !ok {
				continue
			}
			enum, _ := p["enum"].([]any)
			var want []any
			for _, name := range credentials {
				want = append(want, name)
			}
			if len(want) > 0 {
				want = append(want, tools.AskCredential)
			}
			if !slices.Equal(enum, want) {
				t.Errorf("%s: credential offers %v, want %v", tool.Name, enum, want)
			}
		}
	}
}

// TestExamplesAreAccepted: the example in a schema is one of its enum values.
func TestExamplesAreAccepted(t *testing.T) {
	for _, tool := range toolsList(t) {
		for name, p := range decodeSchema(t, tool.Input)["properties"].(map[string]any) {
			p := p.(map[string]any)
			enum, ok := p["enum"].([]any)
			if examples, _ := p["examples"].([]any); ok && !slices.Contains(enum, examples[0]) {
				t.Errorf("%s.%s: the example %v is none of %v", tool.Name, name, examples, enum)
			}
		}
	}
}
