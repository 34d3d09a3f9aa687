package form_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"scanwarden/slackbot/internal/form"
)

// FuzzSplitArguments checks that a quoted value arrives as it was typed.
func FuzzSplitArguments(f *testing.F) {
	f.Add("Core switches")
	f.Add("a=b 'c'")
	f.Fuzz(func(t *testing.T, value string) {
		if !utf8.ValidString(value) || strings.ContainsAny(value, "\"<>&") {
			return // Slack escapes these
		}
		got, err := form.SplitArguments(`first scanName="` + value + `" last`)
		if err != nil || len(got) != 3 || got[1] != (form.Argument{Name: "scanName", Value: value}) {
			t.Fatalf("%q became %q, %v", value, got, err)
		}
	})
}
