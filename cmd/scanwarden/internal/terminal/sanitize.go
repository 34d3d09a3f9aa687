package terminal

import (
	"fmt"
	"strings"
	"unicode"
)

// Sanitize returns text with every character escaped that a terminal could interpret or that has no visible form, as in
// ⟨U+001B⟩. These are controls, line breaks, marks of direction, zero-width characters and every space except the ASCII
// one. It returns text that it has sanitized before unchanged.
func Sanitize(text string) string {
	if isPlainASCII(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if r == ' ' || isVisible(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}

// SanitizeLines returns text like Sanitize, and keeps its line breaks.
func SanitizeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Sanitize(line)
	}
	return strings.Join(lines, "\n")
}

// isPlainASCII reports whether text needs no escaping. It is the fast path for nearly all text.
func isPlainASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// isVisible reports whether fonts draw r. unicode.IsPrint leaves out controls and format characters, but accepts
// fillers and variation selectors.
func isVisible(r rune) bool {
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
