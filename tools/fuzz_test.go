package tools_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// newCachedStack returns a stack that has read its lists, so that the fuzzed inputs are planned without a call.
func newCachedStack(f *testing.F) *stack {
	s := newStack(f, defendertest.Options{}, fixedClock(time.Now()))
	s.plan("add_scan", labScan)
	return s
}

// FuzzDecode: for any arguments, no operation panics, a refusal is one bounded printable sentence, and a secret is
// refused as such without repeating it.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		labScan, `{"id":"Core switches","isActive":false}`, `{"scanDefinitionIds":["Core switches"]}`, `{"change_id":"x","wait_seconds":0}`,
		`{"sessionIds":["a"]}`, `{"filter":"x"}`, `[]`, `{`, `null`, `{"a":{"b":[{"c":1e999}]}}`, `{"scannerAgent.machineId":"x"}`,
		`{"scanAuthenticationParams":{"type":"AuthPriv","keyVaultUrl":"https://snmp.vault.azure.net/","keyVaultSecretName":"x"}}`,
	} {
		f.Add(seed, "authPassword")
		f.Add(seed, "scanAuthenticationParams.PRIV_password")
	}
	s := newCachedStack(f)
	ops, err := tools.Catalogue(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, args, name string) {
		for _, op := range ops {
			if op.Name == "scan_history" {
				continue // calls Defender; its arguments are decoded by the same code
			}
			for _, a := range []string{args, withSecret(args, name)} {
				var err error
				if op.Effect == tools.Proposes {
					_, err = s.Service.Plan(t.Context(), tools.Caller{}, op.Name, json.RawMessage(a))
				} else {
					_, err = s.Service.Call(t.Context(), tools.Caller{Principal: ada}, op.Name, json.RawMessage(a))
				}
				checkRefusal(t, op.Name, a, err)
			}
		}
	})
}

// withSecret adds a secret to the arguments if name is a secret's and the arguments are an object.
func withSecret(args, name string) string {
	last := strings.ToLower(name[strings.LastIndex(name, ".")+1:])
	switch strings.NewReplacer("_", "", "-", "", " ", "").Replace(last) {
	case "authpassword", "privpassword", "communitystring", "password", "privatekey":
	default:
		return args
	}
	key, err := json.Marshal(name)
	if trimmed := strings.TrimSpace(args); err == nil && strings.HasPrefix(trimmed, "{") {
		return `{` + string(key) + `:"` + canary + `",` + trimmed[1:]
	}
	return args
}

func checkRefusal(t *testing.T, operation, args string, err error) {
	t.Helper()
	poisoned := strings.Contains(args, canary)
	if err == nil {
		if poisoned {
			t.Fatalf("%s took a secret: %s", operation, args)
		}
		return
	}
	r := tools.Refused(operation, err)
	text := r.Reason + " " + r.Next
	switch {
	case strings.Contains(text, canary):
		t.Fatalf("%s repeats a secret: %s", operation, text)
	case poisoned && len(args) <= 64<<10 && !strings.Contains(text, "not taken here"):
		t.Fatalf("%s refuses a secret as something else: %s", operation, text)
	case !utf8.ValidString(text) || utf8.RuneCountInString(text) > 4000:
		t.Fatalf("%s refuses %q with %d bytes: %q", operation, args, len(text), text)
	}
	for _, c := range text {
		if c < ' ' || c == '\u202e' || c == '\u200b' {
			t.Fatalf("%s refuses %q with a hidden character: %q", operation, args, text)
		}
	}
}

// FuzzPlanShowsWhatIsSent: for any live scan and any update of it, the plan shows every value of the frozen body, and
// escapes what would be invisible.
func FuzzPlanShowsWhatIsSent(f *testing.F) {
	f.Add("Core", "192.0.2.1", "New name", "10.0.0.1")
	f.Add("a\u202eb", "x,y,\u200b", "Ä\u0308", "sw1")
	f.Add("⟨U+202E⟩", "", "a", "::1")
	f.Add("`", "\x00", "b", "\x00") // the live target, as it is
	s := newStack(f, defendertest.Options{})
	id := s.Tenant.AddScan(nil)
	f.Fuzz(func(t *testing.T, name, target, newName, newTarget string) {
		if !utf8.ValidString(name) || !utf8.ValidString(target) {
			return // JSON cannot carry it
		}
		s.Tenant.Edit(id, map[string]any{"scanName": name, "target": target})
		s.Service.InvalidateCache()
		args, err := json.Marshal(map[string]any{"id": id, "scanName": newName, "target": newTarget})
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Service.Plan(t.Context(), tools.Caller{}, "update_scan", args)
		if err != nil {
			return
		}
		shown := planField(t, p.Subjects[0], "scanName")
		if (shown.Before == shown.After) != (name == sentValue(t, p, "scanName")) {
			t.Fatalf("from %q to %q is shown as %+v", name, sentValue(t, p, "scanName"), shown)
		}
		// A new target has nothing to hide, or it would be refused; a live one that stays may have, and is spelt out.
		got, kept := planField(t, p.Subjects[0], "target"), sentValue(t, p, "target") == target
		switch {
		case !kept && got.After != sentValue(t, p, "target"):
			t.Fatalf("target is sent as %q and shown as %q", sentValue(t, p, "target"), got.After)
		case kept && got.Before != got.After:
			t.Fatalf("target stays and is shown as %+v", got)
		}
		for _, f := range p.Subjects[0].Fields {
			if strings.ContainsAny(f.Before+f.After, "\u202e\u200b\n\u2800") {
				t.Fatalf("the plan hides something: %q", f)
			}
		}
	})
}
