package blocks_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"scanwarden/slackbot/internal/blocks"
)

// FuzzSplitText checks that each part of a text fits a text object, and that only line ends at a split are lost.
func FuzzSplitText(f *testing.F) {
	f.Add("short")
	f.Add(strings.Repeat("a line\n", 1000))
	f.Add(strings.Repeat("😀", 4000))
	f.Add("\n\n" + strings.Repeat("x", 2900) + "\n\n\n" + strings.Repeat("y", 3000))
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // JSON has no other
		}
		parts := blocks.SplitText(text)
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
