package slackbot_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"scanwarden/slackbot"
)

// FuzzPortions: however long a text is, its parts fit Slack's text objects and nothing of it is lost but line
// ends where it was split.
func FuzzPortions(f *testing.F) {
	f.Add("short")
	f.Add(strings.Repeat("a line\n", 1000))
	f.Add(strings.Repeat("😀", 4000))
	f.Add("\n\n" + strings.Repeat("x", 2900) + "\n\n\n" + strings.Repeat("y", 3000))
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // JSON has no other
		}
		parts := slackbot.Portions(text)
		for _, part := range parts {
			if n := len(utf16.Encode([]rune(part))); n == 0 || n > 3000 {
				t.Fatalf("a part has %d characters", n)
			}
		}
		whole := strings.ReplaceAll(strings.Join(parts, ""), "\n", "")
		if whole != strings.ReplaceAll(text, "\n", "") {
			t.Fatal("the parts do not make the text again")
		}
	})
}

// FuzzWords: what stands in quotation marks arrives as it was typed, whatever it is.
func FuzzWords(f *testing.F) {
	f.Add("Core switches")
	f.Add("a=b 'c'")
	f.Fuzz(func(t *testing.T, value string) {
		if !utf8.ValidString(value) || strings.ContainsAny(value, "\"<>&") {
			return // Slack escapes these
		}
		got, err := slackbot.Words(`first scanName="` + value + `" last`)
		if err != nil || len(got) != 3 || got[1] != [2]string{"scanName", value} {
			t.Fatalf("%q became %q, %v", value, got, err)
		}
	})
}
