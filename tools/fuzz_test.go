package tools_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// timeless is a house whose lists are read once: the fuzzed inputs are then planned without a call.
func timeless(f *testing.F) *house {
	h := build(f, defendertest.Options{}, clock(time.Now()))
	h.plan("add_scan", lab)
	return h
}

// FuzzTarget: an accepted target is sent in a form that is accepted as it is and means the same, every entry of
// it stands among those that were given, and the count shown is the number of distinct addresses.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		"192.0.2.10, 192.0.2.11", "192.0.2.0/28,192.0.2.10-20", "10.0.0.255-10.0.1.0,10.0.0.0/30", "sw1.example.com,SW_2",
		"2001:db8::/120", "10.0.0.1-10.0.0.1", "a,A", "1.2.3.4/32,1.2.3.4", "0.0.0.0-255.255.255.255", "10.0.0.1,x", "::,::1",
	} {
		f.Add(seed)
	}
	h := timeless(f)
	f.Fuzz(func(t *testing.T, given string) {
		args, err := json.Marshal(map[string]any{
			"scanType": "Network", "scanName": "F", "target": given, "intervalInHours": 1,
			"scannerAgent": map[string]any{"machineId": hq}, "credential": "core-snmp"})
		if err != nil {
			t.Fatal(err)
		}
		p, err := h.desk.Plan(t.Context(), tools.Caller{}, "add_scan", args)
		if err != nil {
			if r := (*tools.Refusal)(nil); !errors.As(err, &r) || r.Field != "target" {
				t.Fatalf("%q: %v, want a refusal of target", given, err)
			}
			return
		}
		target := sent(t, p, "target").(string)
		again := h.in(t).plan("add_scan", with(t, string(args), map[string]any{"target": target}))
		if got := sent(t, again, "target"); got != target {
			t.Fatalf("%q is sent as %q, which is sent as %q", given, target, got)
		}
		if a, b := field(t, p.Subjects[0], "addresses"), field(t, again.Subjects[0], "addresses"); a != b {
			t.Fatalf("%q makes %q, and its canonical form %q", given, a.After, b.After)
		}
		if n, m := strings.Count(given, ","), strings.Count(target, ","); m > n {
			t.Fatalf("%q has %d entries more once sent: %q", given, m-n, target)
		}
		if n, ok := enumerate(target); ok && !strings.HasPrefix(field(t, p.Subjects[0], "addresses").After, grouped(n)+" ") {
			t.Fatalf("%q makes %q, but %d addresses can be counted", target, field(t, p.Subjects[0], "addresses").After, n)
		}
	})
}

// enumerate counts addresses the slow way, where that is possible.
func enumerate(target string) (int, bool) {
	all := map[netip.Addr]bool{}
	for entry := range strings.SplitSeq(target, ",") {
		from, to := netip.Addr{}, netip.Addr{}
		if p, err := netip.ParsePrefix(entry); err == nil {
			for a := p.Addr(); p.Contains(a); a = a.Next() {
				all[a] = true
			}
			continue
		}
		left, right, isRange := strings.Cut(entry, "-")
		if !isRange {
			right = left
		}
		var err, err2 error
		if from, err = netip.ParseAddr(left); err != nil {
			return 0, false
		}
		if to, err2 = netip.ParseAddr(right); err2 != nil {
			return 0, false
		}
		for a := from; a.IsValid() && a.Compare(to) <= 0; a = a.Next() {
			all[a] = true
		}
	}
	return len(all), true
}

func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// FuzzDecode: whatever the arguments, no operation panics, a refusal is one bounded printable sentence, and a
// secret is refused as such without a word of it.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		lab, `{"id":"Core switches","isActive":false}`, `{"scanDefinitionIds":["Core switches"]}`, `{"change_id":"x","wait_seconds":0}`,
		`{"sessionIds":["a"]}`, `{"filter":"x"}`, `[]`, `{`, `null`, `{"a":{"b":[{"c":1e999}]}}`, `{"scannerAgent.machineId":"x"}`,
		`{"scanAuthenticationParams":{"type":"AuthPriv","keyVaultUrl":"https://snmp.vault.azure.net/","keyVaultSecretName":"x"}}`,
	} {
		f.Add(seed, "authPassword")
		f.Add(seed, "scanAuthenticationParams.PRIV_password")
	}
	h := timeless(f)
	ops, err := tools.Catalogue(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, args, name string) {
		for _, op := range ops {
			if op.Name == "scan_history" {
				continue // calls Defender; its arguments are decoded by the same code
			}
			for _, a := range []string{args, poisoned(args, name)} {
				var err error
				if op.Effect == tools.Proposes {
					_, err = h.desk.Plan(t.Context(), tools.Caller{}, op.Name, json.RawMessage(a))
				} else {
					_, err = h.desk.Call(t.Context(), tools.Caller{Principal: ada}, op.Name, json.RawMessage(a))
				}
				checkRefusal(t, op.Name, a, err)
			}
		}
	})
}

// poisoned puts a secret into arguments, if name is one of a secret's and the arguments are an object.
func poisoned(args, name string) string {
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
	case poisoned && len(args) <= 64<<10 && !strings.Contains(text, "is a secret and is not taken here"):
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

// FuzzPlanShowsWhatIsSent: whatever a live scan and an update of it say, every value of the frozen body stands in
// the plan, spelt out, and nothing in the plan hides anything.
func FuzzPlanShowsWhatIsSent(f *testing.F) {
	f.Add("Core", "192.0.2.1", "New name", "10.0.0.1")
	f.Add("a\u202eb", "x,y,\u200b", "Ä\u0308", "sw1")
	f.Add("⟨U+202E⟩", "", "a", "::1")
	f.Add("`", "\x00", "b", "\x00") // the live target, as it is
	h := build(f, defendertest.Options{})
	id := h.sim.AddScan(nil)
	f.Fuzz(func(t *testing.T, name, target, newName, newTarget string) {
		if !utf8.ValidString(name) || !utf8.ValidString(target) {
			return // JSON cannot carry it
		}
		h.sim.Edit(id, map[string]any{"scanName": name, "target": target})
		h.desk.InvalidateCache()
		args, err := json.Marshal(map[string]any{"id": id, "scanName": newName, "target": newTarget})
		if err != nil {
			t.Fatal(err)
		}
		p, err := h.desk.Plan(t.Context(), tools.Caller{}, "update_scan", args)
		if err != nil {
			return
		}
		shown := field(t, p.Subjects[0], "scanName")
		if (shown.Before == shown.After) != (name == sent(t, p, "scanName")) {
			t.Fatalf("from %q to %q is shown as %+v", name, sent(t, p, "scanName"), shown)
		}
		// A new target has nothing to hide, or it would be refused; a live one that stays may have, and is spelt out.
		got, kept := field(t, p.Subjects[0], "target"), sent(t, p, "target") == target
		switch {
		case !kept && got.After != sent(t, p, "target"):
			t.Fatalf("target is sent as %q and shown as %q", sent(t, p, "target"), got.After)
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
