package main

import (
	"os"
	"strings"
	"testing"

	"scanwarden/confirm"
)

// examples are the fenced blocks of one language in the README.
func examples(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range strings.Split(string(text), "\n```"+language+"\n")[1:] {
		example, _, _ := strings.Cut(block, "\n```")
		found = append(found, example+"\n")
	}
	if len(found) == 0 {
		t.Fatalf("the README has no %s example any more", language)
	}
	return found
}

// TestReadmeConfigurations loads every configuration that the README shows.
func TestReadmeConfigurations(t *testing.T) {
	for _, example := range examples(t, "yaml") {
		loaded(t, example, nil)
	}
}

// TestReadmeRules: each rule of the README does what it says, and only that.
func TestReadmeRules(t *testing.T) {
	about := func(operation string, f confirm.Facts) confirm.Subjected {
		return confirm.Subjected{Operation: operation, Requester: "token:ada", Facts: f}
	}
	harmless := about("update_scan", confirm.Facts{Scans: []string{"Branch routers"}, Count: 1, Addresses: 20})
	cases := map[string]confirm.Subjected{
		"many deletes":                about("delete_scans", confirm.Facts{Count: 4}),
		"public addresses":            about("add_scan", confirm.Facts{Count: 1, Addresses: 2, PublicAddresses: 1}),
		"a large scan":                about("add_scan", confirm.Facts{Count: 1, Addresses: 1001}),
		"a scanner that is not there": about("add_scan", confirm.Facts{Count: 1, InactiveScanner: true}),
		"the production core":         about("update_scan", confirm.Facts{Count: 1, Scans: []string{"prod-east"}}),
	}
	seen := 0
	for _, example := range examples(t, "yaml") {
		for _, rule := range loaded(t, example, nil).rules {
			seen++
			touched, known := cases[rule.Name]
			if !known {
				t.Errorf("the README's rule %q has no case here", rule.Name)
				continue
			}
			if holds, err := rule.Holds(touched); err != nil || !holds {
				t.Errorf("%q does not hold for what it is about: %v, %v", rule.Name, holds, err)
			}
			if holds, err := rule.Holds(harmless); err != nil || holds {
				t.Errorf("%q holds for something harmless: %v, %v", rule.Name, holds, err)
			}
		}
	}
	if seen != len(cases) {
		t.Errorf("the README has %d rules, and %d cases stand here", seen, len(cases))
	}
}
