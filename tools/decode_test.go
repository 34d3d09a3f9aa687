package tools_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// TestArgumentsAreReadStrictly: each mistake is refused in a sentence that names the field and the fix.
func TestArgumentsAreReadStrictly(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for name, c := range map[string]struct {
		operation, args, field string
		words                  []string
	}{
		"not JSON":              {"add_scan", `{"scanName":`, "", []string{"not valid JSON", "one JSON object"}},
		"two values":            {"add_scan", `{} {}`, "", []string{"not valid JSON"}},
		"not an object":         {"add_scan", `["scanName"]`, "", []string{"must be a JSON object, not a list"}},
		"too long":              {"add_scan", `{"scanName":"` + strings.Repeat("x", 64<<10) + `"}`, "", []string{"65,551 bytes", "65,536"}},
		"too deep":              {"add_scan", strings.Repeat(`{"scannerAgent":`, 9) + `1` + strings.Repeat("}", 9), "", []string{"nested too deep"}},
		"unknown field":         {"add_scan", `{"schedule":"daily"}`, "schedule", []string{`unknown: "schedule"`, "the fields are scanType, scanName"}},
		"several unknown":       {"add_scan", `{"schedule":1,"frequency":2}`, "frequency", []string{`"frequency", "schedule"`}},
		"letter case":           {"add_scan", `{"scanname":"x"}`, "scanname", []string{"did you mean scanName?"}},
		"slip of the pen":       {"add_scan", `{"intervalInHour":4}`, "intervalInHour", []string{"did you mean intervalInHours?"}},
		"unknown nested":        {"add_scan", `{"scannerAgent":{"machineID":"x"}}`, "scannerAgent.machineID", []string{"did you mean scannerAgent.machineId?", "the fields are scannerAgent.machineId"}},
		"twice":                 {"add_scan", `{"scanName":"a","scanName":"b"}`, "scanName", []string{`"scanName" is given twice`}},
		"twice nested":          {"add_scan", `{"scannerAgent":{"machineId":"a","machineId":"b"}}`, "machineId", []string{"twice"}},
		"twice, once flat":      {"add_scan", `{"scannerAgent":{"machineId":"a"},"scannerAgent.machineId":"b"}`, "scannerAgent.machineId", []string{"twice"}},
		"twice, two spellings":  {"delete_scans", `{"scanDefinitionIds":["a"],"ScanDefinitionIds":["b"]}`, "scanDefinitionIds", []string{"twice"}},
		"flat below a text":     {"add_scan", `{"scannerAgent":"x","scannerAgent.machineId":"b"}`, "scannerAgent", []string{"must be an object, not a string"}},
		"text for boolean":      {"add_scan", `{"isActive":"active"}`, "isActive", []string{"isActive must be true or false, not other text"}},
		"empty for boolean":     {"add_scan", `{"isActive":""}`, "isActive", []string{"isActive must be true or false, not empty", "leave it out"}},
		"number for boolean":    {"add_scan", `{"isActive":1}`, "isActive", []string{"isActive must be true or false, not a number"}},
		"number for string":     {"add_scan", `{"scanName":7}`, "scanName", []string{"scanName must be a string, not a number"}},
		"text for number":       {"add_scan", `{"intervalInHours":"24h"}`, "intervalInHours", []string{"must be a whole number, not other text", "24"}},
		"fraction as text":      {"add_scan", `{"intervalInHours":"24.0"}`, "intervalInHours", []string{"must be a whole number, not other text"}},
		"leading zero":          {"add_scan", `{"intervalInHours":"024"}`, "intervalInHours", []string{"must be a whole number, not other text"}},
		"huge number as text":   {"add_scan", `{"intervalInHours":"99999999999"}`, "intervalInHours", []string{"must be a whole number, not other text"}},
		"object for number":     {"add_scan", `{"intervalInHours":{}}`, "intervalInHours", []string{"must be a whole number, not an object"}},
		"fraction":              {"add_scan", `{"intervalInHours":4.5}`, "intervalInHours", []string{"must be a whole number, not 4.5"}},
		"huge number":           {"add_scan", `{"intervalInHours":1e300}`, "intervalInHours", []string{"must be a whole number"}},
		"list for string":       {"add_scan", `{"scanName":["Lab"]}`, "scanName", []string{"scanName must be a string, not a list"}},
		"number in a target":    {"add_scan", `{"target":["10.0.0.1",7]}`, "target[1]", []string{"must be a string, not a number"}},
		"string for object":     {"add_scan", `{"scannerAgent":"x"}`, "scannerAgent", []string{"scannerAgent must be an object, not a string"}},
		"number for list":       {"delete_scans", `{"scanDefinitionIds":7}`, "scanDefinitionIds", []string{"must be a list, not a number"}},
		"number in list":        {"delete_scans", `{"scanDefinitionIds":["a",7]}`, "scanDefinitionIds[1]", []string{"must be a string, not a number"}},
		"null in list":          {"delete_scans", `{"scanDefinitionIds":[null]}`, "scanDefinitionIds[0]", []string{"must be a string, not null"}},
		"field of another tool": {"add_scan", `{"id":"x"}`, "id", []string{`unknown: "id"`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.forTest(t).planRefused(c.operation, c.args)
			if r.Field != c.field {
				t.Errorf("field = %q, want %q", r.Field, c.field)
			}
			wantWords(t, r.Error(), c.words...)
		})
	}
	if calls := s.Tenant.Calls(); len(calls) > 0 {
		t.Errorf("arguments that cannot be read led to %d calls", len(calls))
	}
}

// TestSecretsAreRefusedByName at any depth, in any spelling, without repeating their value.
func TestSecretsAreRefusedByName(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, args := range []string{
		`{"authPassword":"` + canary + `"}`,
		`{"scanAuthenticationParams":{"authPassword":"` + canary + `"}}`,
		`{"scanAuthenticationParams":{"AUTHPASSWORD":"` + canary + `"}}`,
		`{"scanAuthenticationParams":{"PrivPassword":"` + canary + `"}}`,
		`{"scanAuthenticationParams":{"communityString":"` + canary + `"}}`,
		`{"scanAuthenticationParams":{"community_string":"` + canary + `"}}`,
		`{"scanAuthenticationParams":{"password":"` + canary + `"}}`,
		`{"scanAuthenticationParams":{"privateKey":"` + canary + `"}}`,
		`{"scanAuthenticationParams.auth-password":"` + canary + `"}`,
		`{"x":[{"y":{"password":["` + canary + `"]}}]}`,
		`{"scanName":"a","scanName":"b","password":"` + canary + `"}`,
		`{"password":"` + canary + `"`, // not even JSON
		`{'authPassword': '` + canary + `'}`,
		`{} {"private_key": "` + canary + `"}`,
		`{"password":null}`,
	} {
		for _, operation := range []string{"add_scan", "update_scan", "delete_scans"} {
			r := s.planRefused(operation, args)
			wantWords(t, r.Error(), "is a secret and is not taken here", "rotate it", "credential", "Key Vault")
			if strings.Contains(r.Error(), canary) {
				t.Errorf("%s: the refusal repeats the secret: %s", args, r)
			}
		}
	}
}

// TestRefusalsQuoteLittle: what was sent is repeated in part and with invisible characters escaped.
func TestRefusalsQuoteLittle(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	long := strings.Repeat("я", 5000)
	for _, args := range []string{
		`{"` + long + `":1}`,
		`{"a\u202eb\u200b\n":1}`,
		withFields(t, labScan, map[string]any{"scanType": long}),
		withFields(t, labScan, map[string]any{"target": long}),
		withFields(t, labScan, map[string]any{"credential": long}),
		withFields(t, labScan, map[string]any{"scannerAgent": map[string]any{"machineId": long + "\u202e"}}),
	} {
		r := s.planRefused("add_scan", args)
		if n := len([]rune(r.Error())); n > 800 {
			t.Errorf("the refusal of %.40q has %d characters", args, n)
		}
		if strings.ContainsAny(r.Error()+r.Field, "\u202e\u200b\n") {
			t.Errorf("the refusal of %.40q hides something: %q", args, r.Error())
		}
	}
}

// TestNullAndFlatNamesAreTaken: for clients that send null for an omitted field, and interfaces with flat forms.
func TestNullAndFlatNamesAreTaken(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	nested := s.plan("add_scan", labScan)
	flat := s.plan("add_scan", `{"scanType":"network","scanName":" Lab ","target":"10.1.2.3","intervalInHours":4.0,
		"targetType":null,"isActive":null,"scannerAgent":null,"scannerAgent.machineId":"`+hq+`","credential":"core-snmp",
		"scanAuthenticationParams.type":"authpriv","scanAuthenticationParams.@odata.type":"#microsoft.windowsDefenderATP.api.SnmpAuthParams"}`)
	if string(nested.Request.Body) != string(flat.Request.Body) {
		t.Errorf("flat names give\n%s\nwant\n%s", flat.Request.Body, nested.Request.Body)
	}
}

func TestEverySecretThatWasSentIsNamed(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	args := `{"scanAuthenticationParams":{"authPassword":"a","privPassword":"b","communityString":"c","authPassword":"d"}}`
	_, err := s.Service.Plan(t.Context(), tools.Caller{}, "add_scan", json.RawMessage(args))
	var refusal *tools.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if want := `"authPassword", "privPassword", "communityString" are secrets`; !strings.Contains(refusal.Reason, want) {
		t.Errorf("the refusal %q does not say %q", refusal.Reason, want)
	}
}

// TestASecretIsNamedToSomeoneWhoMayNotPropose: they must rotate it all the same.
func TestASecretIsNamedToSomeoneWhoMayNotPropose(t *testing.T) {
	s := newStackWith(t, toolstest.Options{Policy: confirm.Policy{Approvers: []string{"token:bob"}, Requesters: []string{"token:bob"}}})
	by := confirm.Requester{Principal: "token:eve", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.Slack}}
	_, err := s.Service.Propose(t.Context(), by, "add_scan", json.RawMessage(labScan))
	if !errors.Is(err, confirm.ErrRefused) {
		t.Fatalf("eve may propose: %v", err)
	}
	for _, args := range []string{`{"password":"x"}`, `{"scanName":"{\"pass\\u0077ord\":\"x\"}"}`, `"{\"communityString\":\"x\"}"`} {
		if _, err := s.Service.Propose(t.Context(), by, "add_scan", json.RawMessage(args)); err == nil || !strings.Contains(err.Error(), "rotate it") {
			t.Errorf("%s: %v", args, err)
		}
	}
}
